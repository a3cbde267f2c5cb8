import { Presets, SingleBar } from 'cli-progress'

/** Where long steps tell how far they are. One task at a time is shown; a caller may pass its own sink. */
export interface ProgressSink {
  /** Begins a task; `total` in `unit`. */
  start(task: string, total: number, unit: 'MB' | 'files'): ProgressTask
}

/** One task of a sink. */
export interface ProgressTask {
  /** How much of the total is done. */
  update(done: number): void
  /** Ends the task; called exactly once, also after a failure. */
  end(result: 'done' | 'failed'): void
}

/** A bar on a terminal, plain lines elsewhere (one at the start, one at the end). */
export function terminalProgress(log: (line: string) => void, stream: NodeJS.WriteStream = process.stderr): ProgressSink {
  return stream.isTTY ? barProgress(stream) : lineProgress(log)
}

function barProgress(stream: NodeJS.WriteStream): ProgressSink {
  return {
    start(task, total, unit) {
      const bar = new SingleBar(
        { stream, format: `{bar} {percentage}% | ${task} | {value}/{total} ${unit}`, hideCursor: true, clearOnComplete: true, fps: 10 },
        Presets.shades_classic,
      )
      bar.start(Math.max(1, Math.round(total)), 0)
      return {
        update: (done) => bar.update(Math.min(Math.round(done), Math.round(total))),
        end: () => bar.stop(),
      }
    },
  }
}

function lineProgress(log: (line: string) => void): ProgressSink {
  return {
    start(task, total, unit) {
      const startedAt = performance.now()
      log(`${task}: ${Math.round(total)} ${unit} …`)
      return {
        update: () => undefined,
        end: (result) => log(`${task}: ${result} in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`),
      }
    },
  }
}
