// The trials by their names.
import { backlog } from './backlog.ts'
import { retained } from './retained.ts'
import { slow } from './slow.ts'
import { soak } from './soak.ts'
import { storm } from './storm.ts'
import { takeover } from './takeover.ts'
import type { TrialDefinition } from './trial.ts'

export const trials: Readonly<Record<string, TrialDefinition>> = {
  retained,
  backlog,
  storm,
  slow,
  takeover,
  soak,
}
