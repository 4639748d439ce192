import { expect, test } from 'vitest'
import { Emitter } from '../../src/core/emitter.ts'
import { createLogger } from '../../src/core/logger.ts'
import { answerImpatience } from '../../src/host/serve.ts'

test('whoever asks again while the controller stops is told why it takes its time', () => {
  const lines: string[] = []
  const logger = createLogger({ level: 'info', format: 'human', write: (line) => lines.push(line) })
  const askedAgain = new Emitter<void>()
  const stopAnswering = answerImpatience({ askedAgain, logger, stopGraceSeconds: () => 180 })
  askedAgain.emit()
  expect(lines.join('')).toMatch(/WARN .*still stopping: the controller may take up to 180 s .*close its database/)
  stopAnswering()
  askedAgain.emit()
  expect(lines).toHaveLength(1)
})
