// The version of this package, from the one place that has it.
import { readFileSync } from 'node:fs'

const packageFile = new URL('../../package.json', import.meta.url)

export const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { readonly version: string }
