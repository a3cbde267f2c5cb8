import type { Argv } from 'yargs'
import { makeKey } from './commands/trail/key.ts'
import type { CommandContext } from './context.ts'

/** Runs a command and keeps its exit code. */
type Run = (argv: object, command: (context: CommandContext) => Promise<number>) => Promise<void>

/** `heed trail …`: the log of everything that happened, and its proofs. */
export function trailCommands<T>(builder: Argv<T>, run: Run) {
  return builder
    .command(
      'key <name>',
      'make a key that signs checkpoints; it is shown once',
      (inner) =>
        inner
          .positional('name', {
            type: 'string',
            demandOption: true,
            describe: 'the name of the log or of the witness, e.g. example.com/trail',
          })
          .option('witness', { type: 'boolean', default: false, describe: 'the key of a witness, which cosigns' })
          .option('secret', { type: 'boolean', default: false, describe: 'write the secret key and nothing else' }),
      (argv) => run(argv, (context) => makeKey(context, argv.name, argv.witness, argv.secret)),
    )
    .demandCommand(1, 'key')
}
