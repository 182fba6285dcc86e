// npm run certs [-- FOLDER]: development certificates into FOLDER, certs/out by default, which git ignores.
import { join } from 'node:path'
import { makeCertificates } from './make.ts'

const [folder = join(import.meta.dirname, 'out')] = process.argv.slice(2)
await makeCertificates(folder)
process.stdout.write(
  `made in ${folder}: ca, server (localhost), client, expired and revoked (.crt, .key), ca.crl\n`,
)
