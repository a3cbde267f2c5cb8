/**
 * A signal that is aborted when the process is asked to end (SIGTERM, SIGINT). A second request ends the process at once,
 * for whoever does not want to wait for the drain.
 */
export function shutdownSignal(): AbortSignal {
  const controller = new AbortController()
  const ask = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(name === 'SIGINT' ? 130 : 143)
    controller.abort(name)
  }
  process.on('SIGTERM', ask)
  process.on('SIGINT', ask)
  return controller.signal
}
