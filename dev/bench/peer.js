// node -e SCRIPT MODEL.onnx SIZE BATCH THREADS
//
// Each line of standard input is a number of runs. The script runs the model so often and
// prints the seconds of wall and CPU time.
const ort = require('onnxruntime-node');
const [model, size, batch, threads] = process.argv.slice(1);
(async () => {
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: +threads, interOpNumThreads: 1, graphOptimizationLevel: 'all', executionProviders: ['cpu'],
  });
  const data = new Float32Array(batch * 3 * size * size);
  for (let i = 0; i < data.length; i++) data[i] = Math.sin(i * 0.37);
  const feed = { input: new ort.Tensor('float32', data, [+batch, 3, +size, +size]) };
  await session.run(feed);
  console.log('ready');
  for await (const runs of require('readline').createInterface({ input: process.stdin })) {
    const start = process.hrtime.bigint(), cpu = process.cpuUsage();
    for (let i = 0; i < +runs; i++) await session.run(feed);
    const used = process.cpuUsage(cpu);
    console.log(Number(process.hrtime.bigint() - start) / 1e9, (used.user + used.system) / 1e6);
  }
})().catch((e) => { console.error(e.message); process.exit(1); });
