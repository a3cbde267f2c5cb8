import { givenBy, parseBrokers, partName } from './choice.ts'
import { LocalStackError } from './errors.ts'
import type { StackServer } from './server.ts'
import type { StackPart } from './stack-file.ts'

/** A server that the environment gives: used as it is, neither checked nor stopped. Throws `LocalStackError` for an address that is none. */
export function givenServer(part: StackPart, value: string): StackServer {
  const refuse = () =>
    Promise.reject(
      new LocalStackError('not-ours', `${partName[part]} is given by ${givenBy[part]}: it is not this stack's to stop or start`),
    )
  return {
    part,
    source: 'given',
    version: undefined,
    address: part === 'kafka' ? parseBrokers(value).join(',') : value,
    at: undefined,
    pid: undefined,
    kill: refuse,
    restart: refuse,
    stop: () => Promise.resolve(),
  }
}
