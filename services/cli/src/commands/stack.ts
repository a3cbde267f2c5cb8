import { stackDown, stackStatus, stackUp } from '@heed/local-stack'
import type { CommandContext } from '../context.ts'
import { exitCodes } from '../failures.ts'

const folder = (context: CommandContext) => context.env.HEED_DATA_DIR ?? '.heed'

/** Starts Kafka and MongoDB so that they stay after this command. */
export async function up(context: CommandContext): Promise<number> {
  const choice = await stackUp({ dataDir: folder(context), env: context.env })
  const status = await stackStatus(folder(context))
  context.output.document(status)
  context.output.line(choice)
  return exitCodes.done
}

/** Stops them; their data stays. */
export async function down(context: CommandContext): Promise<number> {
  const stopped = await stackDown(folder(context))
  context.output.document({ stopped })
  context.output.line(stopped.length === 0 ? 'nothing was running' : `stopped: ${stopped.join(', ')}`)
  return exitCodes.done
}

/** How they are. Exit code 1 where one of them does not serve. */
export async function status(context: CommandContext): Promise<number> {
  const found = await stackStatus(folder(context))
  context.output.document(found)
  context.output.line(`${found.dataDir}: ${found.state}${found.owner === undefined ? '' : ` to process ${found.owner}`}`)
  const parts = [
    ['kafka', found.kafka],
    ['mongodb', found.mongodb],
  ] as const
  context.output.table(
    ['part', 'version', 'from', 'address', 'process', 'serves'],
    parts.flatMap(([name, part]) =>
      part === undefined
        ? []
        : [[name, part.version, part.source, part.address, part.pid === undefined ? '–' : String(part.pid), part.serving ? 'yes' : 'no']],
    ),
  )
  return found.kafka?.serving && found.mongodb?.serving ? exitCodes.done : exitCodes.failed
}
