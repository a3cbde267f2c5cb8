import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino'
import { prettyFactory } from 'pino-pretty'
import { describeError, redactFields, scrubText } from './redaction.ts'

/** From most to least: what is written. `silent` writes nothing. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** Facts of a log line by name. Values that could be a person or a secret are hidden, whatever their depth. */
export type LogFields = Record<string, unknown>

/**
 * Writes one JSON line per call. No line holds the message of a foreign error, an e-mail address, a phone number or a key:
 * fields are redacted by name and kind, and the finished line is scrubbed once more.
 */
export interface Logger {
  /** For hot paths and for finding faults; off in production. Ask `debugEnabled` before you build costly fields. */
  debug(fields: LogFields | Error, event?: string): void
  info(fields: LogFields | Error, event?: string): void
  warn(fields: LogFields | Error, event?: string): void
  error(fields: LogFields | Error, event?: string): void
  /** A logger that adds these fields to every line. */
  child(bindings: LogFields): Logger
  /** Whether `debug` writes at all. */
  readonly debugEnabled: boolean
}

export interface LoggerOptions {
  level: LogLevel
  /** Lines for people instead of JSON. */
  pretty?: boolean
  /** Where the lines go; standard output otherwise. */
  destination?: { write(line: string): void }
}

/** A logger whose every line names the service. */
export function createLogger(service: string, options: LoggerOptions): Logger {
  const destination: DestinationStream = options.destination ?? pino.destination({ dest: 1, sync: true })
  const stream = options.pretty ? prettyStream(destination, options.destination === undefined && process.stdout.isTTY) : destination
  const root = pino(
    {
      level: options.level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: redactFields, bindings: redactFields },
      serializers: { err: (error: unknown) => (error instanceof Error ? describeError(error) : error) },
      hooks: { streamWrite: scrubText },
    },
    stream,
  )
  return wrap(root)
}

/** A logger that writes nothing: for tests that don't look at the log. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
  debugEnabled: false,
}

function wrap(inner: PinoLogger<never, boolean>): Logger {
  const write = (level: 'debug' | 'info' | 'warn' | 'error') => (fields: LogFields | Error, event?: string) => {
    if (!inner.isLevelEnabled(level)) return
    inner[level](fields instanceof Error ? { error: fields } : fields, event)
  }
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (bindings) => wrap(inner.child(bindings)),
    debugEnabled: inner.isLevelEnabled('debug'),
  }
}

function prettyStream(destination: DestinationStream, colorize: boolean): DestinationStream {
  const format = prettyFactory({ colorize, ignore: 'service' })
  return { write: (line) => destination.write(format(line)) }
}
