// node run.js MODEL.onnx INPUT N C H W OUTPUT: runs a model by ONNX Runtime on
// raw float32 numbers.
const ort = require('onnxruntime-node');
const fs = require('fs');
(async () => {
  const [model, input, n, c, h, w, output] = process.argv.slice(2);
  const session = await ort.InferenceSession.create(model);
  const bytes = fs.readFileSync(input);
  const data = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const result = await session.run({ input: new ort.Tensor('float32', data, [n, c, h, w].map(Number)) });
  const logits = result.logits.data;
  fs.writeFileSync(output, Buffer.from(logits.buffer, logits.byteOffset, logits.byteLength));
})().catch((e) => { console.error(e.message); process.exit(1); });
