/** The package runs the program of the same name; it has no types of its own. */
declare module 'systemd-notify' {
  const notify: (options: { ready?: boolean; status?: string; pid?: number }) => Promise<unknown>
  export default notify
}
