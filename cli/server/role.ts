/** The daemons that natpmp-server starts. Each is the folder of a program, too. */
export type Role = 'frontend' | 'helper' | 'upnp';
