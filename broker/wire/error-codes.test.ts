import { protocolErrors } from '@platformatic/kafka'
import { describe, expect, it } from 'vitest'
import { fencedCodes, kafkaCode, passingOfCalls, passingOfFetch, passingOfProduce } from './error-codes.ts'

const known = new Map(Object.values(protocolErrors).map((error) => [error.code, error]))
const asNamed = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()

it.each(Object.entries(kafkaCode))('%s is %i in the protocol, too', (name, code) => {
  expect(known.get(code)?.id).toBe(asNamed(name))
})

describe('what passes', () => {
  // The protocol calls a rebalance, and a broker that is not there, final: a member and a client are to begin anew.
  const begunAnew = new Set<number>([kafkaCode.rebalanceInProgress, kafkaCode.brokerNotAvailable])

  it.each([
    ['of a produced partition', passingOfProduce],
    ['of a fetched partition', passingOfFetch],
    ['of a whole answer', passingOfCalls],
  ])('%s may be tried again in the protocol, too', (_, codes) => {
    const final = [...codes].filter((code) => !begunAnew.has(code) && known.get(code)?.canRetry !== true)
    expect({ final, fenced: [...codes].filter((code) => fencedCodes.has(code)) }).toEqual({ final: [], fenced: [] })
  })

  it('whatever may be tried again in the protocol, and has a name here, is tried again somewhere', () => {
    const tried = new Set([...passingOfProduce, ...passingOfFetch, ...passingOfCalls])
    const left = Object.entries(kafkaCode).filter(([, code]) => known.get(code)?.canRetry === true && !tried.has(code))
    expect(left).toEqual([])
  })

  it.each(['corruptMessage', 'notEnoughReplicas', 'requestTimedOut', 'kafkaStorageError'] as const)(
    'a batch that is refused with %s is sent again',
    (name) => {
      expect(passingOfProduce.has(kafkaCode[name])).toBe(true)
    },
  )
})
