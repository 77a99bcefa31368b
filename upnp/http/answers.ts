// Answers as bytes. Every one ends its connection. There is no Date: a router's clock is often wrong (RFC 9110 §6.6.1).

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  411: 'Length Required',
  413: 'Content Too Large',
  417: 'Expectation Failed',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  505: 'HTTP Version Not Supported',
};

export const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');

export interface Answer {
  readonly status: number;
  /** XML, or nothing. */
  readonly body: string;
  /** For HEAD: the length is told, the body is not sent. */
  readonly isHead?: boolean;
  /** The field Allow. */
  readonly allow?: string | undefined;
}

/** `serverHeader`: the value of the field SERVER, in ASCII. */
export function encodeAnswer({ status, body, isHead = false, allow }: Answer, serverHeader: string): Buffer {
  const content = Buffer.from(body, 'utf8');
  const head = [
    `HTTP/1.1 ${status} ${REASONS[status] ?? ''}`,
    'Content-Type: text/xml; charset="utf-8"',
    `Content-Length: ${content.length}`,
    ...(allow === undefined ? [] : [`Allow: ${allow}`]),
    'Connection: close',
    `SERVER: ${serverHeader}`,
    'EXT:',
    '\r\n',
  ].join('\r\n');
  return isHead ? Buffer.from(head, 'latin1') : Buffer.concat([Buffer.from(head, 'latin1'), content]);
}
