/**
 * How one layer's cross-attention keys and values lie in memory. The device chooses P (`Device.crossPanelWidth`):
 *
 *   keys   [slots, ceil(nCtx / P), nState, P]  position t, column i at ((t div P) * nState + i) * P + t mod P
 *   values [slots, nState / V, nCtx, V]        position t, column i at ((i div V) * nCtx + t) * V + i mod V
 *
 * V is the largest divisor of P and of a head's columns. So a product takes P scores, or V columns, of neighbouring
 * lanes, without sums over lanes, and several rows of a window share its loads. With P = 1 both are rows of nState, which
 * suits a GPU: V is nState then. Positions that fill up the last panel of keys are never looked at.
 */
import type { Shape } from '../../engine/dtype.ts';
import { panelIndex } from '../matmul/panels.ts';

export interface CrossPanels {
  readonly keyPanels: number;
  readonly keyPanel: number;
  readonly valuePanels: number;
  readonly valuePanel: number;
}

export interface CrossSizes {
  readonly nCtx: number;
  readonly nState: number;
}

/** @param panelWidth P, a power of two */
export function crossPanels({ nCtx, nState }: CrossSizes, nHead: number, panelWidth: number): CrossPanels {
  let valuePanel = panelWidth === 1 ? nState : panelWidth;
  while (panelWidth > 1 && (nState / nHead) % valuePanel !== 0) valuePanel /= 2;
  return {
    keyPanels: Math.ceil(nCtx / panelWidth),
    keyPanel: panelWidth,
    valuePanels: nState / valuePanel,
    valuePanel,
  };
}

export function crossShapes(
  slots: number,
  { nCtx, nState }: CrossSizes,
  { keyPanels, keyPanel, valuePanels, valuePanel }: CrossPanels,
): { readonly keys: Shape; readonly values: Shape } {
  return { keys: [slots, keyPanels, nState, keyPanel], values: [slots, valuePanels, nCtx, valuePanel] };
}

/** What contracts check of the sizes; a sentence when they do not fit. */
export function crossPanelsProblem({
  nCtx,
  nState,
  keyPanels,
  keyPanel,
  valuePanels,
  valuePanel,
}: CrossSizes & CrossPanels): string | undefined {
  const fit = keyPanels === Math.ceil(nCtx / keyPanel) && valuePanels * valuePanel === nState;
  return fit ? undefined : 'panels and sizes differ';
}

/** Element of `keys`: position `t`, column `i` of a slot. */
export function keyIndex(
  { nState, keyPanels, keyPanel }: Pick<CrossSizes & CrossPanels, 'nState' | 'keyPanels' | 'keyPanel'>,
  slot: number,
  t: number,
  i: number,
): number {
  return slot * keyPanels * nState * keyPanel + panelIndex(t, i, nState, keyPanel);
}

/** Element of `values`: position `t`, column `i` of a slot. */
export function valueIndex(
  { nCtx, valuePanels, valuePanel }: Pick<CrossSizes & CrossPanels, 'nCtx' | 'valuePanels' | 'valuePanel'>,
  slot: number,
  t: number,
  i: number,
): number {
  return slot * valuePanels * nCtx * valuePanel + panelIndex(i, t, nCtx, valuePanel);
}
