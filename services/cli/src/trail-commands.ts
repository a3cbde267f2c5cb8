import type { Argv } from 'yargs'
import { audit } from './commands/trail/audit.ts'
import { makeKey } from './commands/trail/key.ts'
import { exportPeriod, prove } from './commands/trail/prove.ts'
import { copyVerifier, verify } from './commands/trail/verify.ts'
import { runWitness } from './commands/trail/witness.ts'
import type { CommandContext } from './context.ts'
import { InputError } from './failures.ts'

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
    .command(
      'prove <id>',
      'write the evidence of a change, a delivery or a subject into one file',
      (inner) =>
        inner
          .positional('id', { type: 'string', demandOption: true, describe: 'a change, a delivery or a subject' })
          .option('out', { type: 'string', describe: 'the file; <id>.heed.zip where not given' })
          .option('against', { ...files, describe: 'a checkpoint kept from earlier, which the file shall lead on from' }),
      (argv) => run(argv, (context) => prove(context, argv.id, argv.out, argv.against)),
    )
    .command(
      'export',
      'write the evidence of a period, a file for each day',
      (inner) =>
        inner
          .option('from', { type: 'string', demandOption: true, describe: 'e.g. 2026-11-01 or 2026-11-01T00:00:00Z' })
          .option('to', { type: 'string', demandOption: true, describe: 'not included' })
          .option('out', { type: 'string', default: '.', describe: 'the folder' }),
      (argv) => run(argv, (context) => exportPeriod(context, momentOf('from', argv.from), momentOf('to', argv.to), argv.out)),
    )
    .command(
      'verify <bundle>',
      'check an evidence file, without any service (exit code 0 proved, 1 not proved, 2 no such file)',
      (inner) =>
        inner
          .positional('bundle', { type: 'string', demandOption: true })
          .option('key', { ...files, describe: 'a public key of the log that you believe, or a file with some' })
          .option('witness', { ...files, describe: 'the public key of a witness that you believe' })
          .option('witnesses', { type: 'number', default: 0, describe: 'how many of them must have cosigned' })
          .option('against', { ...files, describe: 'a checkpoint kept from earlier' }),
      (argv) =>
        run(argv, (context) =>
          verify(context, {
            file: argv.bundle,
            keys: argv.key,
            witnesses: argv.witness,
            minWitnesses: argv.witnesses,
            against: argv.against,
          }),
        ),
    )
    .command(
      'verifier',
      'copy the verifier, one file that runs with Node alone, to hand it on',
      (inner) => inner.option('out', { type: 'string', default: 'heed-verify.mjs' }),
      (argv) => run(argv, (context) => copyVerifier(context, argv.out)),
    )
    .command(
      'witness <url>',
      'follow a log from outside: check that it only grows, cosign it, and raise the alarm where it does not (exit code 1)',
      (inner) =>
        inner
          .positional('url', { type: 'string', demandOption: true, describe: 'where the log is served, e.g. https://example.com/trail' })
          .option('log-key', {
            ...files,
            demandOption: true,
            describe: 'the public key of the log, as it was handed over; repeat it while keys change',
          })
          .option('state', { type: 'string', default: 'heed-witness.json', describe: 'the file in which it remembers what it cosigned' })
          .option('every', { type: 'number', default: 10, describe: 'seconds' })
          .option('once', { type: 'boolean', default: false, describe: 'look once and end' }),
      (argv) =>
        run(argv, (context) =>
          runWitness(context, { url: argv.url, logKeys: argv.logKey, state: argv.state, everySeconds: argv.every, once: argv.once }),
        ),
    )
    .command(
      'audit',
      'read the whole log again and compare it with journal, deliveries and outcomes (exit code 0 all agrees, 1 differences, 2 wrong input)',
      (inner) =>
        inner
          .option('key', { ...files, describe: 'a public key of the log that you believe, or a file with some' })
          .option('against', { ...files, describe: 'a checkpoint kept from earlier' })
          .option('state', { type: 'string', default: 'heed-audit.json', describe: 'the file in which it keeps where it is' })
          .option('resume', { type: 'boolean', default: false, describe: 'go on where it was interrupted' }),
      (argv) => run(argv, (context) => audit(context, { keys: argv.key, against: argv.against, state: argv.state, resume: argv.resume })),
    )
    .demandCommand(1, 'key, prove, export, verify, verifier, witness or audit')
}

const files = { type: 'string', array: true, default: [] as string[] } as const

function momentOf(option: string, text: string): number {
  const at = /^\d{4}-\d{2}-\d{2}(?:T[\d:.]+Z)?$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at)) throw new InputError(`--${option} is a day or a time in UTC, such as 2026-11-01 or 2026-11-01T12:00:00Z`)
  return at
}
