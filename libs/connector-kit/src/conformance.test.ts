import { anOptIn, anOptOut } from '@heed/testkit'
import { testConnector } from './conformance.ts'
import { aDescriptor, answerOf, exampleConnector } from './testing.fixture.ts'

const tasks = [anOptOut('ada@example.org'), anOptIn('bob@example.org'), anOptOut('cleo@example.org')]
const job = { id: 'j1', pollAfterSeconds: 5 }
const connector = exampleConnector(
  aDescriptor({ jobs: { maxPollSeconds: 60, giveUpAfterSeconds: 600 }, readBack: { afterSeconds: 60, maxTasks: 10, share: 0.1 } }),
  {
    // an answer that is no JSON says nothing
    interpret: (request, answer) => {
      const inner = exampleConnector(aDescriptor())
      if (answer.via !== 'http' || answer.status !== 200) return inner.interpret(request, answer, {})
      return answer.body.equals(answerOf({ job }).body) ? { outcomes: [], job } : { outcomes: [] }
    },
  },
)

testConnector(connector, { settings: { list: 'l1' }, tasks, job, answers: [answerOf({ job })] })
