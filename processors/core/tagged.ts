/** A value of the stream `Name`. */
export interface From<Name, T> {
  readonly from: Name
  readonly value: T
}

/**
 * What flows where several streams come together: each value says which of them it came from.
 *
 * @typeParam Streams The type of the values of each stream, by its name.
 */
export type Tagged<Streams extends Record<string, unknown>> = {
  [Name in keyof Streams]: From<Name, Streams[Name]>
}[keyof Streams]

/** Whether a value is of the stream `name`; which type its values have is the caller's knowledge. */
export function isFrom<Name extends string, T>(tagged: From<string, unknown>, name: Name): tagged is From<Name, T> {
  return tagged.from === name
}
