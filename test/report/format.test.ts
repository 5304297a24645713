import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatCount,
  formatId,
  formatNumber,
  formatSeconds,
  formatShare,
} from '../../workers/src/report/format.ts';

describe('formats', () => {
  it.each([
    [formatCount(1234567), '1,234,567'],
    [formatNumber(0.123456), '0.1235'],
    [formatNumber(0), '0'],
    [formatNumber(-12.5), '-12.5'],
    [formatNumber(1e-7), '1.000e-7'],
    [formatBytes(0), '0 B'],
    [formatBytes(999), '999 B'],
    [formatBytes(1500), '1.5 kB'],
    [formatBytes(768e9), '768 GB'],
    [formatBytes(12_345_678), '12.3 MB'],
    [formatSeconds(0.0123), '12 ms'],
    [formatSeconds(12.34), '12.3 s'],
    [formatSeconds(59.99), '1 min 00 s'],
    [formatSeconds(75), '1 min 15 s'],
    [formatSeconds(3599.9), '1 h 00 min'],
    [formatSeconds(7325), '2 h 02 min'],
    [formatShare(1), '100%'],
    [formatShare(0.1234), '12.3%'],
    [formatShare(0), '0%'],
    [formatId('a\nb\u0000'), 'a␊b␀'],
    [formatId('é'.repeat(64)), 'é'.repeat(64)],
    [formatId('😀'.repeat(10_000)), `${'😀'.repeat(40)}…${'😀'.repeat(12)} (10,000 characters)`],
  ])('%s', (text, expected) => {
    expect(text).toBe(expected);
  });
});
