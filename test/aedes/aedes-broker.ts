// A real Aedes over a real database, as its users write it: a program, which aedes-process.ts starts.
// Arguments: folder, broker id. It prints its port; SIGTERM ends it in good order.
import { type AddressInfo, createServer } from 'node:net'
import { Aedes } from 'aedes'
import { ClassicLevel } from 'classic-level'
import { aedesPersistenceLevel } from './aedes-persistence.ts'

const [folder = '', id = ''] = process.argv.slice(2)
const level = new ClassicLevel(folder)
const aedes = await Aedes.createBroker({ id, persistence: aedesPersistenceLevel(level) })
const server = createServer(aedes.handle)
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port))

process.once('SIGTERM', () => {
  server.close()
  aedes.close(() => void level.close())
})
