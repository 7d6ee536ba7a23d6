import { messageOf } from '../schemas/errors.ts'

/** Arguments of a script of ours that cannot be taken: says why, and ends with 2. */
export function usage(why: string): never {
  console.error(`USAGE: ${why}`)
  process.exit(2)
}

/** What `parse` gives; where it throws, what it says is told as above. */
export function parsed<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    return usage(messageOf(error))
  }
}

/** A whole number, told as above where it is none. */
export function wholeNumber(name: string, text: string, least: number): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < least)
    usage(`--${name} takes a whole number from ${least} on, was ${text}`)
  return number
}
