// The normative statements of both specifications as data: which of them bind a server, and which are tested.
// Read by titles.test.ts, which compares them with the tests, and by report.ts.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

export const SPECIFICATIONS = ['v3.1.1', 'v5'] as const
export type Specification = (typeof SPECIFICATIONS)[number]

const statement = z
  .strictObject({
    /** As the specification spells it, which is MQTT-3-8.3-4 and MQTT-3.1.2.7 once each. */
    id: z.string().regex(/^MQTT-\d+[.-]\d+\.\d+[.-]\d+$/),
    /** It asks something of a server, if only to refuse what it forbids to clients. */
    server: z.boolean(),
    /** untestable: it cannot be seen from outside, and `why` says why not. client: it binds clients alone. */
    status: z.enum(['tested', 'untestable', 'client']),
    /** What it asks, in our own words. */
    note: z.string().min(1),
    why: z.string().min(1).optional(),
  })
  .readonly()

export type Statement = z.output<typeof statement>

/** Throws where the table is not made as it should be. */
export function loadStatements(specification: Specification): readonly Statement[] {
  const path = join(import.meta.dirname, `statements.${specification}.json`)
  return z.array(statement).parse(JSON.parse(readFileSync(path, 'utf8')))
}

/** By chapter and number, as the specification has them. */
export function compareIds(a: string, b: string): number {
  const [first, second] = [numbersOf(a), numbersOf(b)]
  const at = first.findIndex((number, index) => number !== second[index])
  return at === -1 ? 0 : (first[at] as number) - (second[at] as number)
}

const numbersOf = (id: string): number[] => (id.match(/\d+/g) ?? []).map(Number)
