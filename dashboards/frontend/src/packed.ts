/** Curves as the server packs them into JSON: integers in base64, which is far smaller than decimal numbers. */

/** Stands for "no value" among packed integers. */
export const NO_VALUE = -32768;

export function bytesOf(base64: string): Uint8Array {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** Little-endian int16, whatever order this machine uses. */
export function integersOf(base64: string): Int16Array {
  const view = new DataView(bytesOf(base64).buffer);
  const integers = new Int16Array(view.byteLength >> 1);
  for (let i = 0; i < integers.length; i++) integers[i] = view.getInt16(2 * i, true);
  return integers;
}
