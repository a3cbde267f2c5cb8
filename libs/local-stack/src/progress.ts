import { MultiBar, Presets } from 'cli-progress'

/** Where long steps tell how far they are. Tasks may overlap; a caller may pass its own sink. */
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

/** A bar for each task on a terminal; plain lines elsewhere, one at a task's start and one at its end. */
export function terminalProgress(log: (line: string) => void, stream: NodeJS.WriteStream = process.stderr): ProgressSink {
  return stream.isTTY ? barProgress(stream) : lineProgress(log)
}

function barProgress(stream: NodeJS.WriteStream): ProgressSink {
  // Both servers may be fetched at the same time: their bars share the terminal and go away with the last of them.
  let bars: MultiBar | undefined
  let active = 0
  return {
    start(task, total, unit) {
      bars ??= new MultiBar(
        {
          stream,
          format: '{bar} {percentage}% | {task} | {value}/{total} {unit}',
          gracefulExit: false,
          linewrap: true,
          clearOnComplete: true,
          fps: 10,
        },
        Presets.shades_classic,
      )
      active += 1
      const whole = Math.max(1, Math.round(total))
      const bar = bars.create(whole, 0, { task, unit })
      return {
        update: (done) => bar.update(Math.min(Math.round(done), whole)),
        end() {
          bar.stop()
          active -= 1
          if (active > 0) return
          bars?.stop()
          bars = undefined
        },
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
