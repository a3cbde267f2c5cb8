import { type Clients, connectClients } from './clients.ts'
import { explain } from './failures.ts'
import { hubAddresses } from './hub-file.ts'
import { type Output, outputTo } from './output.ts'

/** What every command has. */
export interface CommandContext {
  readonly env: NodeJS.ProcessEnv
  readonly output: Output
  /** Asks whoever sits at the terminal; undefined where nobody does. */
  readonly ask: ((question: string) => Promise<string>) | undefined
  /** Made at first use; closed when the command ends. */
  clients(): Clients
}

/** The outside of a run: what it may read, where it writes. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv
  write(text: string): void
  writeError(text: string): void
  ask?(question: string): Promise<string>
}

/** Runs one command to its end and gives the exit code. Errors become one line; nothing is thrown. */
export async function runCommand(
  surroundings: Surroundings,
  json: boolean,
  command: (context: CommandContext) => Promise<number>,
): Promise<number> {
  let clients: Clients | undefined
  const context: CommandContext = {
    env: surroundings.env,
    output: outputTo(surroundings.write, json),
    ask: surroundings.ask,
    clients: () => {
      clients ??= connectClients(hubAddresses(surroundings.env))
      return clients
    },
  }
  try {
    return await command(context)
  } catch (thrown) {
    const { line, code } = explain(thrown)
    surroundings.writeError(json ? `${JSON.stringify({ error: line, code })}\n` : `heed: ${line}\n`)
    return code
  } finally {
    clients?.close()
  }
}
