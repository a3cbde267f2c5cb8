import { randomUUID } from 'node:crypto'
import type { Choice } from '@heed/domain'
import yargs, { type Argv } from 'yargs'
import * as ask from './commands/ask.ts'
import * as callers from './commands/callers.ts'
import { type ChooseOptions, choose } from './commands/choose.ts'
import { disclosures } from './commands/disclosures.ts'
import * as duty from './commands/duty.ts'
import { erase, listErasures } from './commands/erase.ts'
import { importCsv } from './commands/import-csv.ts'
import * as operate from './commands/operate.ts'
import * as policy from './commands/policy.ts'
import * as stack from './commands/stack.ts'
import { followChange, showStatus } from './commands/status.ts'
import { type CommandContext, runCommand, type Surroundings } from './context.ts'
import { exitCodes } from './failures.ts'
import { trailCommands } from './trail-commands.ts'

/** Runs the command line `heed <args>` and gives the exit code. Wrong usage is one line and code 2. */
export async function runHeed(args: readonly string[], surroundings: Surroundings): Promise<number> {
  let code: number = exitCodes.done
  const run: Run = (argv, command: (context: CommandContext) => Promise<number>) =>
    runCommand(surroundings, 'json' in argv && argv.json === true, command).then((result) => {
      code = result
    })

  const program = yargs()
    .scriptName('heed')
    .usage('$0 <command>\n\nRecords privacy choices, and shows what is owed to whom.')
    .option('json', { type: 'boolean', describe: 'one JSON document instead of text', global: true })
    .command('opt-out <person>', 'record that a person refuses', choiceOptions, (argv) =>
      run(argv, (context) => choose(context, 'denied', chosen(argv, 'denied'))),
    )
    .command('opt-in <person>', 'record that a person consents, with the evidence for it', optInOptions, (argv) =>
      run(argv, (context) => choose(context, 'granted', chosen(argv, 'granted'))),
    )
    .command('get <person>', 'what a person has chosen', personOptions, (argv) =>
      run(argv, (context) => ask.showPreferences(context, argv.person, argv.kind)),
    )
    .command(
      'check <person>',
      'may a recipient or purpose use this person? (exit code 0 yes, 1 no)',
      (builder) => personOptions(builder).option('recipient', { type: 'string' }).option('purpose', { type: 'string' }),
      (argv) => run(argv, (context) => ask.check(context, argv.person, argv)),
    )
    .command(
      'plan <person>',
      'who would be told if this person refused; changes nothing',
      (builder) => personOptions(builder).option('purpose', purposeOption),
      (argv) => run(argv, (context) => ask.plan(context, argv.person, argv.purpose, argv.kind)),
    )
    .command(
      'status <change>',
      'where each delivery of a change is',
      (builder) =>
        builder
          .positional('change', { type: 'string', demandOption: true })
          .option('watch', { type: 'boolean', default: false, describe: 'until all has settled' }),
      (argv) => run(argv, (context) => (argv.watch ? followChange(context, argv.change) : showStatus(context, argv.change))),
    )
    .command(
      'timeline <subject>',
      'all that happened about a subject, oldest first',
      (builder) => builder.positional('subject', { type: 'string', demandOption: true }),
      (argv) => run(argv, (context) => ask.timeline(context, argv.subject)),
    )
    .command('recipients', 'what is owed to each recipient, how old it is and why it waits', {}, (argv) =>
      run(argv, (context) => ask.recipients(context, Date.now())),
    )
    .command(
      'open',
      'open deliveries, oldest first',
      (builder) =>
        builder
          .option('recipient', { type: 'string' })
          .option('reason', { type: 'string' })
          .option('owner', { type: 'string', describe: 'only the duties of this role' })
          .option('limit', { type: 'number', default: 100, describe: 'at most so many' }),
      (argv) => run(argv, (context) => ask.open(context, argv)),
    )
    .command(
      'link <person> <others..>',
      'add identifiers to a person; a held refusal follows them',
      (builder) =>
        personOptions(builder)
          .positional('others', { type: 'string', array: true, demandOption: true })
          .option('request-id', { type: 'string', describe: 'the same id again changes nothing' }),
      (argv) => run(argv, (context) => ask.link(context, argv.person, argv.others, argv.requestId ?? `cli:${randomUUID()}`, argv.kind)),
    )
    .command(
      'unsubscribe-link <person>',
      'an unsubscribe link with its header values',
      (builder) => personOptions(builder).option('purpose', { type: 'string', default: 'email-marketing' }),
      (argv) => run(argv, (context) => ask.unsubscribeLink(context, argv.person, argv.purpose, argv.kind)),
    )
    .command(
      'import <csv>',
      'record the refusals of a CSV file; can be interrupted and run again',
      (builder) =>
        builder
          .positional('csv', { type: 'string', demandOption: true })
          .option('purpose', { type: 'string', default: 'email-marketing', describe: 'for rows that name none' })
          .option('restart', { type: 'boolean', default: false, describe: 'from the first row again' }),
      (argv) => run(argv, (context) => importCsv(context, { file: argv.csv, purpose: argv.purpose, restart: argv.restart })),
    )
    .command(
      'backfill [recipient]',
      'assert the newest state of everybody once more to one recipient',
      (builder) =>
        builder
          .positional('recipient', { type: 'string', default: '' })
          .option('reason', { type: 'string', default: 'asked for on the command line' })
          .option('max-per-second', { type: 'number', default: 0, describe: '0 for no limit of its own' })
          .option('detach', { type: 'boolean', default: false, describe: 'do not wait for its end' })
          .option('stop', { type: 'string', describe: 'stop the backfill of this id' })
          .option('resume', { type: 'string', describe: 'go on with the backfill of this id' })
          .option('list', { type: 'boolean', default: false }),
      (argv) => run(argv, (context) => operate.backfill(context, argv)),
    )
    .command(
      'redeliver <subject>',
      'assert once more what recipients must hold about one subject',
      (builder) =>
        builder
          .positional('subject', { type: 'string', demandOption: true })
          .option('recipient', { type: 'string', array: true, default: [] as string[] })
          .option('reason', { type: 'string', default: 'asked for on the command line' }),
      (argv) => run(argv, (context) => operate.redeliver(context, argv.subject, argv.recipient, argv.reason)),
    )
    .command('pause <recipient>', 'hold back everything for a recipient', reasonOptions, (argv) =>
      run(argv, (context) => operate.pauseOrResume(context, argv.recipient, argv.reason, 'pause')),
    )
    .command('resume <recipient>', 'let a paused recipient go on', reasonOptions, (argv) =>
      run(argv, (context) => operate.pauseOrResume(context, argv.recipient, argv.reason, 'resume')),
    )
    .command(
      'resolve <delivery>',
      'end a delivery by the word of a named person',
      (builder) =>
        builder
          .positional('delivery', { type: 'string', demandOption: true })
          .option('by', { type: 'string', demandOption: true, describe: 'who answers for it' })
          .option('why', { type: 'string', demandOption: true, describe: 'what was done' })
          .option('evidence', {
            type: 'string',
            describe: 'where the proof is: a ticket, the number of an import; needed for the duty of a person',
          }),
      (argv) => run(argv, (context) => operate.resolve(context, argv.delivery, argv.by, argv.why, argv.evidence)),
    )
    .command(
      'duty <delivery>',
      'what a person has to do so that a recipient holds what is wanted',
      (builder) => builder.positional('delivery', { type: 'string', demandOption: true }),
      (argv) => run(argv, (context) => duty.show(context, argv.delivery, Date.now())),
    )
    .command(
      'hand-over <delivery>',
      'the identifiers of one duty, for the person who does it; recorded with the name',
      (builder) =>
        builder
          .positional('delivery', { type: 'string', demandOption: true })
          .option('to', { type: 'string', demandOption: true, describe: 'who gets them' }),
      (argv) => run(argv, (context) => duty.handOver(context, argv.delivery, argv.to)),
    )
    .command(
      'erase <person>',
      'forget a person: show what happens, ask, and begin it',
      (builder) =>
        eraseOptions(builder)
          .option('plan', { type: 'boolean', default: false, describe: 'show what would happen, and change nothing' })
          .option('again', { type: 'boolean', default: false, describe: 'also where the identifier was erased before' }),
      (argv) => run(argv, (context) => erase(context, { ...argv, cause: 'request' })),
    )
    .command('mark-child <person>', 'a child under 13: forgotten, and never granted anything again', eraseOptions, (argv) =>
      run(argv, (context) => erase(context, { ...argv, plan: false, again: false, cause: 'known-child' })),
    )
    .command(
      'erasures [subject]',
      'erasures that are not completed, and what they wait for',
      (builder) => builder.positional('subject', { type: 'string', default: '' }),
      (argv) => run(argv, (context) => listErasures(context, argv.subject)),
    )
    .command(
      'disclosures <person>',
      'who was handed which kinds of identifier of a person, and by which clause',
      (builder) =>
        personOptions(builder)
          .option('year', { type: 'number', default: 0, describe: 'only the hand-overs of this calendar year' })
          .option('reference', { type: 'string', describe: 'give it out, and count it: where you keep how you made sure who asks' })
          .option('request-id', { type: 'string', describe: 'the same id again is counted once' }),
      (argv) => run(argv, (context) => disclosures(context, argv)),
    )
    .command('trail <command>', 'the log of everything that happened: keys and checks', (builder) => trailCommands(builder, run))
    .command('policy <command>', 'the policy that is served, and the next one', (builder) =>
      builder
        .command(
          'diff [file]',
          'what a policy file would change, and for how many subjects; changes nothing',
          (inner) => inner.positional('file', { type: 'string', describe: 'the policy in force, where none is given' }),
          (argv) => run(argv, (context) => policy.diff(context, argv.file)),
        )
        .command(
          'apply',
          'have recipients told what the policy in force makes due against the one before',
          (inner) =>
            inner
              .option('reason', { type: 'string', default: 'a new policy is in force' })
              .option('max-per-second', { type: 'number', default: 0, describe: 'for each recipient; 0 for no limit of its own' })
              .option('detach', { type: 'boolean', default: false, describe: 'do not wait for its end' }),
          (argv) => run(argv, (context) => policy.apply(context, argv)),
        )
        .demandCommand(1, 'diff or apply'),
    )
    .command('callers <command>', 'who may call, and what', (builder) =>
      callerCommands(builder, run).demandCommand(1, 'add, list, rotate or revoke'),
    )
    .command('stack <command>', 'the Kafka and MongoDB of this folder', (builder) =>
      builder
        .command('up', 'start them; they stay', {}, (argv) => run(argv, stack.up))
        .command('down', 'stop them; their data stays', {}, (argv) => run(argv, stack.down))
        .command('status', 'how they are', {}, (argv) => run(argv, stack.status))
        .demandCommand(1, 'up, down or status'),
    )
    .completion('completion', 'a completion script for your shell')
    .demandCommand(1, 'say what to do; `heed --help` lists the commands')
    .strict()
    .recommendCommands()
    .help()
    .version('0.1.0')
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new UsageError(message)
    })

  try {
    await program.parseAsync([...args])
  } catch (thrown) {
    surroundings.writeError(`heed: ${thrown instanceof UsageError ? thrown.message.replaceAll('\n', ' ') : String(thrown)}\n`)
    return exitCodes.wrongInput
  }
  return code
}

/** Runs a command; `--json` is looked up among the arguments, since every command has it. */
type Run = (argv: object, command: (context: CommandContext) => Promise<number>) => Promise<void>

class UsageError extends Error {}

const purposeOption = { type: 'string', array: true, default: ['email-marketing'], describe: 'purpose or topic; may be repeated' } as const

function personOptions<T>(builder: Argv<T>) {
  return builder
    .positional('person', { type: 'string', demandOption: true, describe: 'an e-mail address, a phone number with +, or a subject id' })
    .option('kind', { type: 'string', describe: 'the kind of identifier, where it cannot be told from its looks' })
}

function choiceOptions<T>(builder: Argv<T>) {
  return personOptions(builder)
    .option('purpose', purposeOption)
    .option('all', { type: 'boolean', default: false, describe: 'every purpose that can be refused' })
    .option('reference', { type: 'string', describe: 'your own reference; no personal data' })
    .option('request-id', { type: 'string', describe: 'the same id again changes nothing' })
    .option('watch', { type: 'boolean', default: false, describe: 'follow the change to every recipient' })
}

function optInOptions<T>(builder: Argv<T>) {
  return choiceOptions(builder)
    .option('evidence', {
      type: 'string',
      demandOption: true,
      describe: 'form, double-opt-in, preference-page, phone-call, paper or account-setting',
    })
    .option('evidence-reference', { type: 'string', demandOption: true, describe: 'where you keep the proof; no personal data' })
    .option('collected-at', { type: 'string', demandOption: true, describe: 'when the person said so, e.g. 2026-11-23T09:30:00Z' })
}

function eraseOptions<T>(builder: Argv<T>) {
  return personOptions(builder)
    .option('reference', { type: 'string', describe: 'where you keep how you made sure who asks; no personal data' })
    .option('yes', { type: 'boolean', default: false, describe: 'do not ask' })
    .option('request-id', { type: 'string', describe: 'the same id again changes nothing' })
}

function reasonOptions<T>(builder: Argv<T>) {
  return builder
    .positional('recipient', { type: 'string', demandOption: true })
    .option('reason', { type: 'string', demandOption: true, describe: 'for the trail' })
}

interface ChosenArguments {
  person: string
  kind?: string | undefined
  purpose: readonly string[]
  all: boolean
  reference?: string | undefined
  requestId?: string | undefined
  watch: boolean
  evidence?: string | undefined
  evidenceReference?: string | undefined
  collectedAt?: string | undefined
}

function chosen(argv: ChosenArguments, choice: Choice): ChooseOptions {
  const { person, kind, purpose, all, reference, requestId, watch } = argv
  const evidence =
    choice === 'granted'
      ? { kind: argv.evidence ?? '', reference: argv.evidenceReference ?? '', collectedAt: argv.collectedAt ?? '' }
      : undefined
  return { person, kind, purpose, all, reference, requestId, watch, evidence }
}

function callerCommands<T>(builder: Argv<T>, run: Run) {
  return builder
    .command(
      'add <id> <scopes..>',
      'make a caller; its key is shown once',
      (inner) =>
        inner
          .positional('id', { type: 'string', demandOption: true })
          .positional('scopes', { type: 'string', array: true, demandOption: true })
          .option('rate', { type: 'number', describe: 'calls a second' }),
      (argv) => run(argv, (context) => callers.addCaller(context, argv.id, argv.scopes, argv.rate)),
    )
    .command('list', 'who may call', {}, (argv) => run(argv, callers.listCallers))
    .command(
      'rotate <id>',
      'a new key; the old one works for a while',
      (inner) => inner.positional('id', { type: 'string', demandOption: true }).option('grace-hours', { type: 'number', default: 24 }),
      (argv) => run(argv, (context) => callers.rotateCaller(context, argv.id, argv.graceHours)),
    )
    .command(
      'revoke <id>',
      'accept no key of this caller any more',
      (inner) => inner.positional('id', { type: 'string', demandOption: true }),
      (argv) => run(argv, (context) => callers.revokeCaller(context, argv.id)),
    )
}
