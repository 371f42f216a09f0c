/** GELU in f64, for the references: x/2 (1 + erf(x / sqrt 2)). Hendrycks, Gimpel 2016. */

export function gelu(x: number): number {
  return 0.5 * x * erfc(-x / Math.SQRT2);
}

/** Complementary error function to about 1e-15: series below 2.5, continued fraction (Lentz) above. DLMF 7.6.1, 7.9.1. */
export function erfc(x: number): number {
  if (x < 0) return 2 - erfc(-x);
  if (x > 27) return 0;
  if (x < 2.5) {
    let term = x;
    let sum = x;
    for (let i = 1; Math.abs(term) > 1e-17 * Math.abs(sum); i++) {
      term *= (-x * x) / i;
      sum += term / (2 * i + 1);
      if (i > 200) break;
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let i = 120; i >= 1; i--) fraction = i / 2 / (x + fraction);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}
