// A mix of loads from a JSON file: groups of clients, each with what it does. The broker comes from the flags.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { GodwitError } from '../base/errors.ts'
import type { RunPlan, Target } from './run-plan.ts'

const qos = z.union([z.literal(0), z.literal(1), z.literal(2)]).default(0)

const publish = z.strictObject({
  topic: z.string().min(1),
  qos,
  retain: z.boolean().default(false),
  payloadBytes: z.int().min(0).max(268_000_000).default(256),
  /** Base64. */
  payload: z.string().optional(),
  rate: z.number().min(0).default(1),
  inFlight: z.int().min(1).max(65_534).default(100),
  messages: z.int().min(0).default(0),
})

const subscribe = z.strictObject({ topics: z.array(z.string().min(1)).min(1), qos })

const group = z.strictObject({
  name: z.string().min(1),
  count: z.int().min(1).max(1_000_000),
  clientId: z.string().min(1).optional(),
  startNumber: z.int().min(0).default(0),
  publish: publish.optional(),
  subscribe: subscribe.optional(),
  isShare: z.boolean().default(false),
  isDeaf: z.boolean().default(false),
})

const planFile = z.strictObject({
  groups: z
    .array(group)
    .min(1)
    .refine((groups) => new Set(groups.map(({ name }) => name)).size === groups.length, 'names are unique'),
  connectRate: z.number().positive().default(1_000),
  warmUpSeconds: z.number().min(0).default(2),
  seconds: z.number().min(0).default(10),
  /** Deliveries that each message should have. */
  copies: z.number().min(0).optional(),
})

/** Throws ERR_GODWIT_BENCH_FILE, with the place of each mistake. */
export function readPlanFile(path: string, target: Target, prefix: string): RunPlan {
  const plan = parsed(path)
  const groups = plan.groups.map((each) => ({
    ...each,
    clientId: each.clientId ?? `${prefix}_${each.name}_%i`,
  }))
  return { ...plan, groups, target, copies: plan.copies }
}

function parsed(path: string): z.output<typeof planFile> {
  try {
    return planFile.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (cause) {
    throw new GodwitError('ERR_GODWIT_BENCH_FILE', `${path}: ${whyOf(cause)}`, { cause })
  }
}

function whyOf(cause: unknown): string {
  if (!(cause instanceof z.ZodError)) return (cause as Error).message
  return cause.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`).join('; ')
}
