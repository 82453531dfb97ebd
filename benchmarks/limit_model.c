// The limit of a training step of a whole model on this CPU, its arithmetic in one program, without a framework: sparse
// layers with annotation units, tanh, batch normalisation, heads per node, all gradients, Adam. One layout throughout.
// gcc -O3 -march=native -ffast-math -fopenmp limit_model.c -o limit_model -lm && ./limit_model TOPOLOGY BATCH [REPEATS [FILE]]
// TOPOLOGY: int32 numbers written by benchmarks/limits.py. Prints the best of REPEATS steps in milliseconds.
// BATCH fills its tiles of W. FILE gets the weights, all rows and the gradients of the first step, which a test checks.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef __linux__
#include <sys/mman.h>
#endif
#ifdef __AVX512F__
#define LANES 16
#define MOST 12 // vector sums at once
#else
#define LANES 8
#define MOST 6
#endif
#define W (2 * LANES) // examples in a tile
#define SOME 64 // units that are normalised together
typedef float vec __attribute__((vector_size(4 * LANES)));
typedef vec row[2];
#define INLINE static inline __attribute__((always_inline))

// Rows are of all that a node can read: inputs of the model, then the units of each level, in order.
typedef struct {
  int nodes, units, first; // first: row of its first unit
  int tanh, norm, heads;
  int *width, *fan, *skip; // per node; skip: how many of its first inputs are inputs of the model
  long *start, *at;        // per node: its first input, its first weight
  int *rows, *relay, *unit; // per input: row, and annotation unit or -1; per node: its first unit
  long weights, bias, gamma, beta, scale, shift, head; // where its parameters start
  long inputs, weight_count, relays;
} level;
static int *next_number;
static int *numbers(long n) { int *p = next_number; next_number += n; return p; }
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec + 1e-9 * t.tv_nsec; }
static void *room(long n) { // in large pages, as NumPy asks for them
  long bytes = 4 * n > 1 << 22 ? (4 * n + (1 << 21)) >> 21 << 21 : (4 * n + 127) / 64 * 64;
  void *p = aligned_alloc(bytes >> 22 ? 1 << 21 : 64, bytes);
#ifdef __linux__
  if (bytes >> 22) madvise(p, bytes, MADV_HUGEPAGE);
#endif
  return memset(p, 0, bytes);
}

// n rows of out = (or +=) sums over count inputs of weight × row; weights of a row `stride` apart, of an input `step`.
INLINE void sums(int n, const row *x, const int *rows, int count, const float *w, long stride, long step, row **out, int adds) {
  vec s[MOST][2];
  for (int u = 0; u < n; u++) for (int r = 0; r < 2; r++) s[u][r] = adds ? (*out[u])[r] : (vec){0};
  for (int k = 0; k < count; k++) {
    const vec *v = x[rows ? rows[k] : k];
    for (int u = 0; u < n; u++) for (int r = 0; r < 2; r++) s[u][r] += w[u * stride + k * step] * v[r];
  }
  for (int u = 0; u < n; u++) for (int r = 0; r < 2; r++) (*out[u])[r] = s[u][r];
}
INLINE void any_sums(int n, const row *x, const int *rows, int count, const float *w, long stride, long step, row **out, int adds) {
  switch (n) {
#define CASE(N) case N: sums(N, x, rows, count, w, stride, step, out, adds); break;
    CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#if MOST > 6
    CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12)
#endif
  }
}
INLINE float total(vec v) { float s = 0; for (int i = 0; i < LANES; i++) s += v[i]; return s; }
// n units × m inputs of dw, over all tiles.
INLINE void products(int n, int m, const row *d, long d_tile, const row *x, long x_tile, const int *rows, int tiles, float *dw, long stride) {
  vec s[3][4];
  for (int u = 0; u < n; u++) for (int k = 0; k < m; k++) s[u][k] = (vec){0};
  for (int t = 0; t < tiles; t++) for (int r = 0; r < 2; r++) for (int k = 0; k < m; k++) {
    vec v = x[t * x_tile + rows[k]][r];
    for (int u = 0; u < n; u++) s[u][k] += d[t * d_tile + u][r] * v;
  }
  for (int u = 0; u < n; u++) for (int k = 0; k < m; k++) dw[u * stride + k] = total(s[u][k]);
}
// A rational form of tanh, as Eigen has it; of a tile.
INLINE void tanh_of(float *all, int count) {
#pragma omp simd
 for (int i = 0; i < count; i++) {
  float x = all[i] > 7.9f ? 7.9f : all[i] < -7.9f ? -7.9f : all[i], q = x * x;
  float p = x * (4.89352455891786e-3f + q * (6.37261928875436e-4f + q * (1.48572235717979e-5f + q * (5.12229709037114e-8f + q * (-8.60467152213735e-11f + q * (2.00018790482477e-13f + q * -2.76076847742355e-16f))))));
  all[i] = p / (4.89352518554385e-3f + q * (2.26843463243900e-3f + q * (1.18534705686654e-4f + q * 1.19825839466702e-6f)));
 }
}

int main(int argc, char **argv) {
  FILE *file = fopen(argv[1], "rb");
  if (!file) return 1;
  fseek(file, 0, SEEK_END);
  long size = ftell(file);
  rewind(file);
  next_number = malloc(size);
  if (fread(next_number, 1, size, file) != (size_t)size) return 1;
  int batch = atoi(argv[2]), repeats = argc > 3 ? atoi(argv[3]) : 20, tiles = (batch + W - 1) / W;
  int inputs = *numbers(1), levels = *numbers(1);
  level *L = calloc(levels, sizeof(level));
  long P = 0, rows = inputs, most = 0;
  for (int l = 0; l < levels; l++) {
    level *v = L + l;
    v->nodes = *numbers(1); v->relays = *numbers(1);
    v->tanh = *numbers(1); v->norm = *numbers(1); v->heads = *numbers(1);
    v->width = numbers(v->nodes); v->fan = numbers(v->nodes);
    v->start = malloc(8 * v->nodes); v->at = malloc(8 * v->nodes); v->skip = calloc(v->nodes, 4); v->unit = malloc(4 * v->nodes);
    for (int n = 0; n < v->nodes; n++) {
      v->start[n] = v->inputs; v->at[n] = v->weight_count; v->unit[n] = v->units;
      v->inputs += v->fan[n]; v->weight_count += (long)v->fan[n] * v->width[n]; v->units += v->width[n];
    }
    v->rows = numbers(v->inputs); v->relay = numbers(v->inputs);
    for (int n = 0; n < v->nodes; n++) while (v->skip[n] < v->fan[n] && v->rows[v->start[n] + v->skip[n]] < inputs) v->skip[n]++;
    v->first = rows; rows += v->units;
    v->weights = P; P += v->weight_count; v->bias = P; P += v->units;
    v->scale = P; P += v->relays; v->shift = P; P += v->relays;
    v->gamma = P; v->beta = P + v->units; if (v->norm) P += 2 * v->units;
    v->head = P; if (v->heads) P += v->units + 3 * v->nodes; // hidden weights; then hidden bias, weight and bias of each head
    if (v->weight_count > most) most = v->weight_count;
  }
  long units = rows - inputs;
  row *H = room(tiles * rows * W), *A = room(tiles * units * W), *G = room(tiles * rows * W);
  float *w = room(P), *dw = room(P), *m1 = room(P), *m2 = room(P), *folded = room(most), *dfolded = room(most);
  float *y = room(tiles * W), *inverse = room(units), *moving = room(2 * units);
  for (int t = 0; t < tiles; t++) for (long i = 0; i < inputs; i++) for (int b = 0; b < W; b++) H[t * rows + i][b / LANES][b % LANES] = t * W + b < batch ? rand() / 2.2e9f : 0;
  for (long i = 0; i < P; i++) w[i] = rand() / 2.2e10f;
  for (int l = 0; l < levels; l++) for (int u = 0; L[l].norm && u < L[l].units; u++) w[L[l].gamma + u] += 1;
  FILE *first = argc > 4 ? fopen(argv[4], "wb") : NULL;
  double best = 1e9, step_of_adam = 0;
  for (int it = 0; it < repeats + 1; it++) {
    double begin = now();
    for (int l = 0; l < levels; l++) {
      level *v = L + l;
      long own = v->first - inputs; // of its units in A
      const float *used = w + v->weights;
      float *added = room(v->units);
      memcpy(added, w + v->bias, 4 * v->units);
      if (v->relays) {
#pragma omp parallel for schedule(static)
        for (int n = 0; n < v->nodes; n++) for (int u = 0; u < v->width[n]; u++) for (int k = 0; k < v->fan[n]; k++) {
          long c = v->at[n] + (long)u * v->fan[n] + k; int q = v->relay[v->start[n] + k];
          folded[c] = used[c] * (q < 0 ? 1 : w[v->scale + q]);
          if (q >= 0) added[v->unit[n] + u] += used[c] * w[v->shift + q];
        }
        used = folded;
      }
#pragma omp parallel for schedule(dynamic) collapse(2)
      for (int t = 0; t < tiles; t++) for (int part = 0; part < 4; part++)
        for (int n = (long)v->nodes * part / 4; n < (long)v->nodes * (part + 1) / 4; n++) for (int u = 0; u < v->width[n]; u += MOST) {
          int some = v->width[n] - u < MOST ? v->width[n] - u : MOST;
          row *out[MOST];
          for (int i = 0; i < some; i++) out[i] = &A[t * units + own + v->unit[n] + u + i];
          any_sums(some, H + t * rows, v->rows + v->start[n], v->fan[n], used + v->at[n] + (long)u * v->fan[n], v->fan[n], 1, out, 0);
          for (int i = 0; i < some; i++) {
            for (int r = 0; r < 2; r++) (*out[i])[r] += added[v->unit[n] + u + i];
            if (v->tanh) tanh_of((float *)out[i], W);
            for (int b = batch - t * W; b < W; b++) ((float *)out[i])[b] = 0;
          }
        }
      free(added);
#pragma omp parallel for schedule(static)
      for (int from = 0; from < v->units; from += SOME) {
        int some = v->units - from < SOME ? v->units - from : SOME;
        vec s[SOME] = {{0}}, q[SOME] = {{0}};
        float g[SOME], c[SOME];
        for (int u = 0; u < some; u++) g[u] = 1, c[u] = 0;
        if (v->norm) {
          for (int t = 0; t < tiles; t++) for (int u = 0; u < some; u++) for (int r = 0; r < 2; r++) { vec a = A[t * units + own + from + u][r]; s[u] += a; q[u] += a * a; }
          for (int u = 0; u < some; u++) {
            long i = own + from + u;
            float mean = total(s[u]) / batch, square = total(q[u]) / batch - mean * mean;
            moving[i] = 0.9f * moving[i] + 0.1f * mean; moving[units + i] = 0.9f * moving[units + i] + 0.1f * square;
            inverse[i] = 1 / sqrtf(square + 1e-3f);
            g[u] = w[v->gamma + from + u] * inverse[i]; c[u] = w[v->beta + from + u] - mean * g[u];
          }
        }
        for (int t = 0; t < tiles; t++) for (int u = 0; u < some; u++) for (int r = 0; r < 2; r++) { H[t * rows + v->first + from + u][r] = A[t * units + own + from + u][r] * g[u] + c[u]; G[t * rows + v->first + from + u][r] = (vec){0}; }
      }
      if (v->heads) { // their loss is known here, and so are their gradients: one pass each way
#pragma omp parallel for schedule(static)
        for (int n = 0; n < v->nodes; n++) {
          int width = v->width[n], f = v->first + v->unit[n];
          float *hw = w + v->head + v->unit[n], *hb = w + v->head + v->units + 3 * n, *dhw = dw + v->head + v->unit[n], *dhb = dw + v->head + v->units + 3 * n;
          vec sw[width], sb[3] = {{0}};
          for (int u = 0; u < width; u++) sw[u] = (vec){0};
          for (int t = 0; t < tiles; t++) for (int r = 0; r < 2; r++) {
            vec h = hb[0] + (vec){0}, d;
            for (int u = 0; u < width; u++) h += hw[u] * H[t * rows + f + u][r];
            tanh_of((float *)&h, LANES);
            d = (hb[1] * h + hb[2] - *(vec *)(y + t * W + r * LANES)) * (0.4f / batch);
            sb[1] += d * h; sb[2] += d;
            d = d * hb[1] * (1 - h * h);
            sb[0] += d;
            for (int u = 0; u < width; u++) { sw[u] += d * H[t * rows + f + u][r]; G[t * rows + f + u][r] += hw[u] * d; }
          }
          for (int k = 0; k < 3; k++) dhb[k] = total(sb[k]);
          for (int u = 0; u < width; u++) dhw[u] = total(sw[u]);
        }
      }
    }
    for (int t = 0; t < tiles; t++) for (int r = 0; r < 2; r++) G[t * rows + rows - 1][r] = (H[t * rows + rows - 1][r] - *(vec *)(y + t * W + r * LANES)) * (2.0f / batch);
    for (int l = levels - 1; l >= 0; l--) {
      level *v = L + l;
      long own = v->first - inputs;
      const float *used = w + v->weights;
#pragma omp parallel for schedule(static)
      for (int from = 0; from < v->units; from += SOME) {
        int some = v->units - from < SOME ? v->units - from : SOME;
        vec s[SOME] = {{0}}, q[SOME] = {{0}}, sum[SOME] = {{0}};
        float g[SOME], i0[SOME], c[SOME];
        for (int u = 0; u < some; u++) g[u] = 1, i0[u] = c[u] = 0;
        if (v->norm) { // the normalised value is (H - beta) / gamma
          for (int t = 0; t < tiles; t++) for (int u = 0; u < some; u++) for (int r = 0; r < 2; r++) { vec d = G[t * rows + v->first + from + u][r]; s[u] += d; q[u] += d * H[t * rows + v->first + from + u][r]; }
          for (int u = 0; u < some; u++) {
            float gamma = w[v->gamma + from + u], beta = w[v->beta + from + u], mean = total(s[u]), product = (total(q[u]) - beta * mean) / gamma;
            dw[v->gamma + from + u] = product; dw[v->beta + from + u] = mean;
            g[u] = gamma * inverse[own + from + u]; i0[u] = mean / batch - product / batch * beta / gamma; c[u] = product / batch / gamma;
          }
        }
        for (int t = 0; t < tiles; t++) for (int u = 0; u < some; u++) for (int r = 0; r < 2; r++) {
          vec a = A[t * units + own + from + u][r], d = (G[t * rows + v->first + from + u][r] - i0[u] - c[u] * H[t * rows + v->first + from + u][r]) * g[u];
          if (v->tanh) d *= 1 - a * a;
          for (int i = batch - t * W - r * LANES; i < LANES; i++) d[i < 0 ? 0 : i] = 0;
          G[t * rows + v->first + from + u][r] = d; sum[u] += d;
        }
        for (int u = 0; u < some; u++) dw[v->bias + from + u] = total(sum[u]);
      }
      float *into = v->relays ? dfolded : dw + v->weights;
#pragma omp parallel for schedule(dynamic, 16)
      for (int n = 0; n < v->nodes; n++) for (int k = 0; k < v->fan[n]; k += 4) for (int u = 0; u < v->width[n]; u += 3) {
        int some = v->width[n] - u < 3 ? v->width[n] - u : 3, these = v->fan[n] - k < 4 ? v->fan[n] - k : 4;
        const row *d = G + v->first + v->unit[n] + u;
        float *to = into + v->at[n] + (long)u * v->fan[n] + k;
        const int *from = v->rows + v->start[n] + k;
        if (some == 3 && these == 4) products(3, 4, d, rows, H, rows, from, tiles, to, v->fan[n]);
        else for (int i = 0; i < some; i++) for (int j = 0; j < these; j++) products(1, 1, d + i, rows, H, rows, from + j, tiles, to + (long)i * v->fan[n] + j, v->fan[n]);
      }
      if (v->relays) {
        for (int n = 0; n < v->nodes; n++) for (int u = 0; u < v->width[n]; u++) for (int k = 0; k < v->fan[n]; k++) {
          long c = v->at[n] + (long)u * v->fan[n] + k; int q = v->relay[v->start[n] + k];
          if (u == 0 && q >= 0) dw[v->scale + q] = dw[v->shift + q] = 0;
          folded[c] = used[c] * (q < 0 ? 1 : w[v->scale + q]);
          dw[v->weights + c] = dfolded[c] * (q < 0 ? 1 : w[v->scale + q]) + (q < 0 ? 0 : dw[v->bias + v->unit[n] + u] * w[v->shift + q]);
          if (q >= 0) { dw[v->scale + q] += dfolded[c] * used[c]; dw[v->shift + q] += dw[v->bias + v->unit[n] + u] * used[c]; }
        }
        used = folded;
      }
#pragma omp parallel for schedule(dynamic)
      for (int t = 0; t < tiles; t++) for (int n = 0; n < v->nodes; n++) for (int k = v->skip[n]; k < v->fan[n]; k += MOST) {
        int some = v->fan[n] - k < MOST ? v->fan[n] - k : MOST;
        row *out[MOST];
        for (int i = 0; i < some; i++) out[i] = &G[t * rows + v->rows[v->start[n] + k + i]];
        any_sums(some, G + t * rows + v->first + v->unit[n], 0, v->width[n], used + v->at[n] + k, 1, v->fan[n], out, 1);
      }
    }
    if (first && !it) {
      fwrite(w, 4, P, first); fwrite(H, 4, tiles * rows * W, first); fwrite(dw, 4, P, first);
      fclose(first);
    }
    double start = now();
#pragma omp parallel for simd
    for (long i = 0; i < P; i++) { m1[i] += (dw[i] - m1[i]) * .1f; m2[i] += (dw[i] * dw[i] - m2[i]) * .001f; w[i] -= 1e-6f * m1[i] / (sqrtf(m2[i]) + 1e-7f); }
    double end = now();
    if (it && end - begin < best) { best = end - begin; step_of_adam = end - start; }
  }
  printf("limit of the model: %ld parameters, %ld units, batch %d: total %.3f ms, of which Adam %.3f  (%g)\n", P, units, batch, best * 1e3, step_of_adam * 1e3, w[P - 1]);
}
