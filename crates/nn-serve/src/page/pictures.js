// Pictures of numbers: one small canvas each, one pixel per number.

/** Bytes 0 to 255 from base64. */
export function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

/** Bytes -127 to 127 from base64. */
export function signedBytesOf(base64) {
  return Int8Array.from(bytesOf(base64));
}

/** Draws bright ink on black, as in MNIST. */
export function drawGrey(canvas, bytes, width, height) {
  paint(canvas, width, height, (index) => [bytes[index], bytes[index], bytes[index], 255]);
}

/** Draws positive values in blue and negative ones in orange; larger ones stronger. */
export function drawSigned(canvas, bytes, width, height) {
  paint(canvas, width, height, (index) => colorOf(bytes[index] / 127));
}

/** Draws values in rows of `columns` cells; the absolute value `scale` is strongest. */
export function drawCells(canvas, values, columns, scale) {
  const rows = Math.ceil(values.length / columns);
  paint(canvas, columns, rows, (index) =>
    index < values.length ? colorOf(values[index] / (scale || 1)) : [0, 0, 0, 0],
  );
}

function colorOf(value) {
  const strength = Math.min(1, Math.abs(value)) ** 0.8;
  const [red, green, blue] = value < 0 ? [213, 94, 0] : [0, 114, 190];
  return [red, green, blue, Math.round(255 * strength)];
}

function paint(canvas, width, height, color) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const image = new ImageData(width, height);
  for (let index = 0; index < width * height; index += 1) {
    image.data.set(color(index), 4 * index);
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}
