import type { Codec } from '../codec.ts'
import type { Windowed } from '../stream-record.ts'
import type { Aggregate } from './aggregate.ts'
import type { Window } from './span.ts'

/** What is said of a child: its value, or that it is withdrawn. */
export interface ChildWord<T> {
  readonly child: Windowed<T>
  readonly isWithdrawn: boolean
}

interface Child<T> extends Window {
  readonly value: T
}

/** What is kept of a parent window. */
export interface Parent<T> {
  /** Ascending by start, then by end. */
  readonly children: readonly Child<T>[]
  /** Of all children, or of the last that there were. */
  readonly merged: { readonly value: T } | undefined
}

/** A parent's value is the merge of its children's last values, the earlier first, however often they were corrected. */
export function rollUpAggregate<T>(
  merge: (earlier: T, later: T) => T,
  codec: Codec<T>,
): Aggregate<ChildWord<T>, Parent<T>> {
  const parentOf = (children: readonly Child<T>[], before: Parent<T>): Parent<T> => {
    const [first, ...others] = children
    if (first === undefined) return { children, merged: before.merged }
    return { children, merged: { value: others.reduce((value, child) => merge(value, child.value), first.value) } }
  }
  return {
    empty: { children: [], merged: undefined },
    add(parent, { child, isWithdrawn }) {
      const { start, end, value } = child
      const others = parent.children.filter((other) => other.start !== start || other.end !== end)
      return parentOf(isWithdrawn ? others : placed(others, { start, end, value }), parent)
    },
    merge: (earlier, later) => parentOf([...earlier.children, ...later.children], later),
    isEmpty: ({ children }) => children.length === 0,
    write(writer, { children, merged }) {
      writer.uint(children.length)
      for (const { start, end, value } of children) {
        writer.f64(start)
        writer.f64(end)
        codec.write(writer, value)
      }
      writer.byte(merged === undefined ? 0 : 1)
      if (merged !== undefined) codec.write(writer, merged.value)
    },
    read(reader) {
      const children: Child<T>[] = []
      for (let count = reader.uint(); count > 0; count--)
        children.push({ start: reader.f64(), end: reader.f64(), value: codec.read(reader) })
      return { children, merged: reader.byte() === 1 ? { value: codec.read(reader) } : undefined }
    },
  }
}

function placed<T>(children: readonly Child<T>[], added: Child<T>): readonly Child<T>[] {
  const isAfter = ({ start, end }: Child<T>): boolean =>
    start > added.start || (start === added.start && end > added.end)
  const at = children.findIndex(isAfter)
  return at === -1 ? [...children, added] : children.toSpliced(at, 0, added)
}
