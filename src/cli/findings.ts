import { plainText } from '../core/text.ts'
import type { Finding } from '../diagnosis/finding.ts'

/** The findings for people: one line each, the remedy below. */
export function formatFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length))
  const lines = findings.flatMap(({ check, status, message, remedy }) => [
    `${status.padEnd(7)}  ${check.padEnd(width)}  ${plainText(message)}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(width + 11)}fix: ${plainText(remedy)}`]),
  ])
  const count = (status: Finding['status']) => findings.filter((finding) => finding.status === status).length
  const sum = `${count('fail')} to mend, ${count('warn')} to know, ${count('unknown')} not checked, ${count('ok')} fine`
  return `${lines.join('\n')}\n\n${sum}\n`
}
