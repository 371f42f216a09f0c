/** WebGPU's usage bits, whose values the specification fixes: runtimes without the globals (Node) need them too. */
export const usage = {
  mapRead: 0x0001,
  copySrc: 0x0004,
  copyDst: 0x0008,
  storage: 0x0080,
} as const;

export const mapModeRead = 0x0001;
export const stageCompute = 0x4;
