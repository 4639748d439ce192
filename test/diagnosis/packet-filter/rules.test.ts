import { expect, test } from 'vitest'
import { parseIptables } from '../../../src/diagnosis/packet-filter/iptables-rules.ts'
import { fateIn } from '../../../src/diagnosis/packet-filter/rules.ts'
import { packet } from '../netcheck/support.ts'

/** The filter table with these rules in INPUT, and chains of its own. */
function fate(
  rules: readonly string[],
  options: { policy?: string; chains?: readonly string[]; packet?: object } = {},
) {
  const chains = (options.chains ?? []).map((name) => `:${name} - [0:0]`)
  const text = ['*filter', `:INPUT ${options.policy ?? 'DROP'} [0:0]`, ...chains, ...rules, 'COMMIT', ''].join('\n')
  const [base] = parseIptables(text)
  if (base === undefined) throw new Error('no base chain')
  return fateIn(base, packet(options.packet))
}

test.each([
  ['ACCEPT', 'open'],
  ['DROP', 'blocked'],
])('without rules the policy %s decides', (policy, expected) => {
  expect(fate([], { policy })).toBe(expected)
})

test.each([
  ['-A INPUT -p udp -m udp --dport 29810 -j ACCEPT', 'open'],
  ['-A INPUT -p tcp -m tcp --dport 29810 -j ACCEPT', 'blocked'],
  ['-A INPUT -p udp -m multiport --dports 27001,29800:29820 -j ACCEPT', 'open'],
  ['-A INPUT -p udp -m multiport --dports 27001,29811:29820 -j ACCEPT', 'blocked'],
  ['-A INPUT -p udp -m multiport ! --dports 27001,29810 -j ACCEPT', 'blocked'],
  ['-A INPUT -p 17 -j ACCEPT', 'open'],
  ['-A INPUT -p 6 -j ACCEPT', 'blocked'],
  ['-A INPUT -i lan+ -j ACCEPT', 'open'],
  ['-A INPUT -i lo -j ACCEPT', 'blocked'],
  ['-A INPUT ! -i lo -j ACCEPT', 'open'],
  ['-A INPUT -s 192.168.1.0/24 -j ACCEPT', 'open'],
  ['-A INPUT -s 192.168.0.0/16 -j ACCEPT', 'open'],
  ['-A INPUT -s 10.0.0.0/8 -j ACCEPT', 'blocked'],
  // Open for one sender and not for the next.
  ['-A INPUT -s 192.168.1.7/32 -j ACCEPT', 'maybe'],
  ['-A INPUT -d 192.168.1.2/32 -j ACCEPT', 'open'],
  ['-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT', 'blocked'],
  ['-A INPUT -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT', 'open'],
  ['-A INPUT -m addrtype --dst-type LOCAL -j ACCEPT', 'open'],
  ['-A INPUT -m addrtype --dst-type BROADCAST -j ACCEPT', 'blocked'],
  ['-A INPUT -m pkttype --pkt-type unicast -j ACCEPT', 'open'],
  ['-A INPUT -m pkttype ! --pkt-type host -j ACCEPT', 'blocked'],
  ['-A INPUT -p udp -m comment --comment "to the controller -j DROP" -j ACCEPT', 'open'],
  ['-A INPUT -m mac --mac-source 00:00:00:00:00:01 -j ACCEPT', 'maybe'],
  ['-A INPUT -m limit --limit 3/min -j ACCEPT', 'maybe'],
  ['-A INPUT -j SOMETHING', 'maybe'],
  ['-A INPUT -j LOG --log-prefix "[x] " --log-level 4', 'blocked'],
])('%s', (rule, expected) => {
  expect(fate([rule])).toBe(expected)
})

test('a broadcast is told from a datagram to this machine alone', () => {
  const rules = ['-A INPUT -m addrtype --dst-type BROADCAST -j DROP', '-A INPUT -p udp -j ACCEPT']
  expect(fate(rules)).toBe('open')
  expect(fate(rules, { packet: { destination: 'broadcast' } })).toBe('blocked')
})

test('what is not understood changes nothing once the packet has been judged', () => {
  expect(fate(['-A INPUT -p udp -j ACCEPT', '-A INPUT -m recent --rcheck -j DROP'])).toBe('open')
  expect(fate(['-A INPUT -m recent --rcheck -j DROP', '-A INPUT -p udp -j ACCEPT'])).toBe('maybe')
})

test('the table that translates addresses drops nothing, whatever its policy', () => {
  expect(parseIptables('*nat\n:PREROUTING DROP [0:0]\n:INPUT DROP [0:0]\nCOMMIT\n')).toEqual([])
})

test('a new connection is told from a stray packet by its flags', () => {
  const rules = ['-A INPUT -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -j DROP', '-A INPUT -p tcp -j ACCEPT']
  expect(fate(rules, { packet: { protocol: 'tcp' } })).toBe('open')
})

test('a chain that ends without a verdict leads back, and one gone to leads back to where its caller was called', () => {
  const chains = ['one', 'two']
  const jump = ['-A INPUT -j one', '-A INPUT -p udp -j ACCEPT', '-A one -p tcp -j DROP']
  expect(fate(jump, { chains })).toBe('open')
  const gone = ['-A INPUT -j one', '-A INPUT -p udp -j ACCEPT', '-A one -g two', '-A one -j DROP', '-A two -j RETURN']
  expect(fate(gone, { chains })).toBe('open')
  expect(fate(['-A INPUT -g one', '-A INPUT -j ACCEPT'], { chains })).toBe('blocked')
})

test('chains that go round in a circle end', () => {
  const rules = ['-A INPUT -j one', '-A one -j two', '-A two -m recent --rcheck -j one', '-A two -j one']
  expect(fate(rules, { chains: ['one', 'two'] })).toBe('maybe')
})
