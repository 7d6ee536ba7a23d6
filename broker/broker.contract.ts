import { afterAll, beforeAll, describe } from 'vitest'
import { adminContract } from './contract/admin.contract.ts'
import { consumeContract } from './contract/consume.contract.ts'
import { groupContract } from './contract/group.contract.ts'
import { readContract } from './contract/read.contract.ts'
import type { BrokerSubject } from './contract/subject.ts'
import { transactionContract } from './contract/transaction.contract.ts'

/** What every adapter of the broker port keeps; one broker serves the whole suite. */
export function brokerContract(name: string, make: () => Promise<BrokerSubject>): void {
  describe(`broker contract: ${name}`, () => {
    let made: BrokerSubject | undefined
    const subject = () => {
      if (made === undefined) throw new Error('the broker was not made')
      return made
    }
    beforeAll(async () => {
      made = await make()
    })
    afterAll(() => made?.cleanup())
    consumeContract(subject)
    groupContract(subject)
    transactionContract(subject)
    adminContract(subject)
    readContract(subject)
  })
}
