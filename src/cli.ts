#!/usr/bin/env node
// The program `godwit`; all it does is in cli/.
import { runCli } from './cli/main.ts'

await runCli(process.argv)
