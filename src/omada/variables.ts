/** What the image takes as the value of one of its variables. */
interface Rule {
  readonly accepts: string
  readonly pattern: RegExp
}

const flag: Rule = { accepts: 'true or false, in small letters', pattern: /^(?:true|false)$/ }
const id: Rule = { accepts: 'a number above 0, without leading zeros', pattern: /^[1-9]\d{0,8}$/ }
const heap: Rule = { accepts: 'a whole number with its unit, such as 1024m or 2g', pattern: /^[1-9]\d{0,6}[kmgKMG]$/ }
const user: Rule = { accepts: 'a name of small letters, digits, _ and -', pattern: /^[a-z_][a-z0-9_-]{0,31}$/ }

/**
 * The image's own variables whose value it takes for something else, or dies of, without a word when it has another form:
 * its entrypoint compares flags with the very text `true`, hands the heap to java as it is (2048 are bytes there), looks
 * for names by regular expressions, and writes MONGOD_EXTRA_ARGS into a shell script.
 * Source: entrypoint-unified.sh of mbentley/docker-omada-controller.
 */
const rules = new Map<string, Rule>([
  ...['SHOW_SERVER_LOGS', 'SHOW_MONGODB_LOGS', 'WEB_CONFIG_OVERRIDE'].map((name): [string, Rule] => [name, flag]),
  ...['TLS_1_11_ENABLED', 'SKIP_USERLAND_KERNEL_CHECK'].map((name): [string, Rule] => [name, flag]),
  ['PUID', id],
  ['PGID', id],
  ['PUSERNAME', user],
  ['PGROUP', user],
  ['JAVA_MAX_HEAP_SIZE', heap],
  ['JAVA_MIN_HEAP_SIZE', heap],
  [
    'MONGOD_EXTRA_ARGS',
    {
      accepts: "mongod's options with none of $ ` ; & | < > ( ) # \\ ' \" * ? in them",
      pattern: /^[^$`;&|<>()#\\'"*?\p{Cc}]*$/u,
    },
  ],
])

/** What the image accepts for a variable, in words, when it would not take `value` for what it says; else undefined. */
export function variableProblem(name: string, value: string): string | undefined {
  const rule = rules.get(name)
  return rule === undefined || rule.pattern.test(value) ? undefined : rule.accepts
}
