/* The functions that exported C code calls. A comment with a colon and the name of a function,
   followed by the names of the functions that it needs, begins each function; exported code
   contains only the functions that it calls. Elementwise functions work in place, on y. A
   pointer to values is followed by their number. */

/*: copy */
static void nn_copy(const float *x, int n, float *y, int m)
{
    int i;
    (void)m;
    for (i = 0; i < n; i++)
        y[i] = x[i];
}

/*: select */
static void nn_select(const float *x, int n, const int32_t *columns, float *y, int m)
{
    int i;
    (void)n;
    for (i = 0; i < m; i++)
        y[i] = x[columns[i]];
}

/*: multiply */
static void nn_multiply(float factor, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++)
        y[i] *= factor;
}

/*: standardize */
static void nn_standardize(const float *mean, const float *rest, const float *std, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++)
        y[i] = ((y[i] - mean[i]) - rest[i]) / std[i];
}

/*: affine */
static void nn_affine(const float *scale, const float *shift, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++)
        y[i] = scale[i] * y[i] + shift[i];
}

/*: fill_missing */
static void nn_fill_missing(const float *fill, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++)
        if (y[i] != y[i])
            y[i] = fill[i];
}

/*: is_missing */
static void nn_is_missing(float *y, int n)
{
    int i;
    for (i = 0; i < n; i++)
        y[i] = y[i] != y[i] ? 1.0f : 0.0f;
}

/*: equals */
static void nn_equals(const float *numbers, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++)
        y[i] = y[i] == numbers[i] ? 1.0f : 0.0f;
}

/*: levels */
/* Gray values from 0 to a small maximum, as bytes. */
static void nn_levels(int largest, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        int level = (int)y[i];
        int byte = (level * 255 + largest / 2) / largest;
        y[i] = byte < 255 ? (float)byte : 255.0f;
    }
}

/*: linear */
#ifdef NN_EXACT
/* y = W x + b, rounded as in nn with fused multiply-add: blocks of products are summed from 0. */
#define NN_BLOCK 256
static void nn_linear(const float *x, int n, const float *weights, const float *bias, float *y, int m)
{
    int i, j, end;
    for (j = 0; j < m; j++) {
        y[j] = bias[j];
        for (i = 0; i < n;) {
            float sum = 0.0f;
            for (end = n - i > NN_BLOCK ? i + NN_BLOCK : n; i < end; i++)
                sum = fmaf(x[i], weights[i], sum);
            y[j] += sum;
        }
        weights += n;
    }
}
#else
/* y = W x + b, with the weights of each output in succession. Four sums at a time do not wait
   for one another. */
static void nn_linear(const float *x, int n, const float *weights, const float *bias, float *y, int m)
{
    int i;
    for (; m >= 4; m -= 4) {
        float a = bias[0], b = bias[1], c = bias[2], d = bias[3];
        for (i = 0; i < n; i++) {
            a += x[i] * weights[i];
            b += x[i] * weights[n + i];
            c += x[i] * weights[2 * n + i];
            d += x[i] * weights[3 * n + i];
        }
        y[0] = a;
        y[1] = b;
        y[2] = c;
        y[3] = d;
        weights += 4 * n;
        bias += 4;
        y += 4;
    }
    for (; m > 0; m--) {
        float sum = *bias++;
        for (i = 0; i < n; i++)
            sum += x[i] * weights[i];
        weights += n;
        *y++ = sum;
    }
}
#endif

/*: quantize */
/* Rounds x / scale + zero_point to integers of 8 bits. */
static void nn_quantize(const float *x, int n, float inverse_scale, int zero_point, int8_t *q, int m)
{
    int i;
    (void)m;
    for (i = 0; i < n; i++) {
        float value = x[i] * inverse_scale + (float)zero_point;
        if (value < -128.0f)
            value = -128.0f;
        if (value > 127.0f)
            value = 127.0f;
        /* The number is at least 0 when it is truncated. */
        q[i] = (int8_t)((int)(value + 128.5f) - 128);
    }
}

/*: linear_int8 */
/* y = factors * (start + W q) + b, with integers of 8 bits and sums of 32 bits. */
static void nn_linear_int8(const int8_t *q, int n, const int8_t *weights, const int32_t *start,
                           const float *factors, const float *bias, float *y, int m)
{
    int i, j;
    for (j = 0; j < m; j++) {
        int32_t sum = start[j];
        for (i = 0; i < n; i++)
            sum += (int32_t)q[i] * weights[i];
        weights += n;
        y[j] = (float)sum * factors[j] + bias[j];
    }
}

/*: grouped_linear needs linear */
/* y = W x + b, separately for each of several groups of values. */
static void nn_grouped_linear(const float *x, int n, int groups, const float *weights,
                              const float *bias, float *y, int m)
{
    int group, inputs = n / groups, outputs = m / groups;
    for (group = 0; group < groups; group++) {
        nn_linear(x, inputs, weights, bias, y, outputs);
        x += inputs;
        weights += inputs * outputs;
        bias += outputs;
        y += outputs;
    }
}

/*: bits */
static float nn_float_of_bits(uint32_t bits)
{
    union {
        uint32_t bits;
        float number;
    } both;
    both.bits = bits;
    return both.number;
}

/*: reduce needs bits */
/* For |x| < 90: 2^n and exp(r) - 1, where x = n ln 2 + r. The power of two has two factors,
   because it may be out of range where exp(x) is not. */
static void nn_reduce(float x, float *a, float *b, float *q)
{
    static const float inverse_factorials[7] = {
        1.0f, 0.5f, 0.16666667f, 0.041666668f, 0.008333334f, 0.0013888889f, 0.0001984127f
    };
    const float shift = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer */
    float rounded = (x * 1.442695f + shift) - shift;
    float r = (x - rounded * 0.6933594f) - rounded * -0.00021219444f;
    int n = (int)rounded, half = n / 2, i;
    float series = 0.0f;
    for (i = 6; i >= 0; i--)
        series = series * r + inverse_factorials[i];
    *a = nn_float_of_bits((uint32_t)(half + 127) << 23);
    *b = nn_float_of_bits((uint32_t)(n - half + 127) << 23);
    *q = r * series;
}

/*: exp_value needs reduce */
static float nn_exp(float x)
{
    float a, b, q;
    if (x < -87.33655f)
        return 0.0f;
    if (x > 88.72284f)
        return nn_float_of_bits(0x7f800000u);
    if (x != x)
        return x;
    nn_reduce(x, &a, &b, &q);
    return (a * q + a) * b;
}

/*: exp_m1_value needs reduce */
/* exp(x) - 1, accurate near 0. */
static float nn_exp_m1(float x)
{
    float a, b, q;
    if (x < -87.33655f)
        return -1.0f;
    if (x > 88.72284f)
        return nn_float_of_bits(0x7f800000u);
    if (x != x)
        return x;
    nn_reduce(x, &a, &b, &q);
    return a * q * b + (a * b - 1.0f);
}

/*: ln_1p_value */
/* ln(1 + x) for x from 0 to 1: 2 atanh(x / (2 + x)) as a series. */
static float nn_ln_1p(float x)
{
    float s = x / (2.0f + x), square = s * s, series = 0.0f;
    int k;
    for (k = 17; k >= 1; k -= 2)
        series = series * square + 1.0f / (float)k;
    return 2.0f * s * series;
}

/*: erf_value needs exp_value */
/* The error function, within 5e-7 (Abramowitz & Stegun 1964, formula 7.1.26). */
static float nn_erf(float x)
{
    float magnitude = x < 0.0f ? -x : x;
    float t = 1.0f / (1.0f + 0.3275911f * magnitude);
    float series = 1.0614054f;
    series = series * t - 1.4531521f;
    series = series * t + 1.4214138f;
    series = series * t - 0.28449672f;
    series = series * t + 0.2548296f;
    series = 1.0f - series * t * nn_exp(-magnitude * magnitude);
    return x < 0.0f ? -series : series;
}

/*: relu */
static void nn_relu(float *y, int n)
{
    int i;
    for (i = 0; i < n; i++)
        if (0.0f > y[i])
            y[i] = 0.0f;
}

/*: leaky_relu */
static void nn_leaky_relu(float slope, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++)
        if (!(y[i] > 0.0f))
            y[i] *= slope;
}

/*: sigmoid_value needs exp_value */
static float nn_sigmoid_value(float x)
{
    float value = 1.0f / (1.0f + nn_exp(-x));
    return value < 1.1754944e-38f ? 0.0f : value;
}

/*: sigmoid needs sigmoid_value */
static void nn_sigmoid(float *y, int n)
{
    int i;
    for (i = 0; i < n; i++)
        y[i] = nn_sigmoid_value(y[i]);
}

/*: tanh needs exp_m1_value */
static void nn_tanh(float *y, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        float x = y[i] > 20.0f ? 20.0f : y[i] < -20.0f ? -20.0f : y[i];
        float e = nn_exp_m1(2.0f * x);
        y[i] = e / (e + 2.0f);
    }
}

/*: softmax needs exp_value */
static void nn_softmax(float *y, int n)
{
    float largest = y[0], sum = 0.0f;
    int i;
    for (i = 1; i < n; i++)
        if (y[i] > largest)
            largest = y[i];
    for (i = 0; i < n; i++) {
        y[i] = nn_exp(y[i] - largest);
        sum += y[i];
    }
    for (i = 0; i < n; i++) {
        float value = y[i] * (1.0f / sum);
        y[i] = value < 1.1754944e-38f ? 0.0f : value;
    }
}

/*: swish needs sigmoid_value */
static void nn_swish(float *y, int n)
{
    int i;
    for (i = 0; i < n; i++)
        y[i] *= nn_sigmoid_value(y[i]);
}

/*: elu needs exp_m1_value */
static void nn_elu(float alpha, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++)
        if (!(y[i] > 0.0f))
            y[i] = alpha * nn_exp_m1(y[i]);
}

/*: selu needs exp_m1_value */
static void nn_selu(float *y, int n)
{
    int i;
    for (i = 0; i < n; i++)
        y[i] = y[i] > 0.0f ? 1.050701f * y[i] : 1.7580993f * nn_exp_m1(y[i]);
}

/*: gelu needs erf_value */
static void nn_gelu(float *y, int n)
{
    int i;
    for (i = 0; i < n; i++)
        y[i] *= 0.5f * (1.0f + nn_erf(y[i] * 0.70710677f));
}

/*: mish needs exp_value */
static void nn_mish(float *y, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        float e = nn_exp(y[i] > 20.0f ? 20.0f : y[i]);
        float product = e * (e + 2.0f);
        y[i] *= product / (product + 2.0f);
    }
}

/*: softplus needs exp_value, ln_1p_value */
static void nn_softplus(float *y, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        float magnitude = y[i] < 0.0f ? -y[i] : y[i];
        y[i] = (y[i] > 0.0f ? y[i] : 0.0f) + nn_ln_1p(nn_exp(-magnitude));
    }
}

/*: clip */
/* scale * y + shift, limited to low..1. */
static void nn_clip(float scale, float shift, float low, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        float value = y[i] * scale + shift;
        y[i] = value > 1.0f ? 1.0f : value < low ? low : value;
    }
}

/*: sqrt_value */
static float nn_sqrt(float x)
{
    /* Newton's method, from above. */
    double root = x > 1.0f ? x : 1.0, next = (root + x / root) / 2;
    while (next < root) {
        root = next;
        next = (root + x / root) / 2;
    }
    return (float)root;
}

/*: smooth_clip needs sqrt_value */
/* y / sqrt(1 + (y/3)^2), which is between -3 and 3. */
static void nn_smooth_clip(float *y, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        float x = y[i] > 1e18f ? 1e18f : y[i] < -1e18f ? -1e18f : y[i];
        y[i] = x / nn_sqrt(1.0f + x / 3.0f * (x / 3.0f));
    }
}

/*: limit */
static void nn_limit(const float *low, const float *high, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++)
        y[i] = y[i] < low[i] ? low[i] : y[i] > high[i] ? high[i] : y[i];
}

/*: known_category */
/* The index of a category stays; any other value becomes the number of categories. */
static void nn_known_category(const float *counts, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        int is_index = y[i] >= 0.0f && y[i] < counts[i];
        if (!is_index || (float)(int)y[i] != y[i])
            y[i] = counts[i];
    }
}

/*: layer_norm needs sqrt_value */
static void nn_layer_norm(const float *gamma, const float *beta, float *y, int n)
{
    float mean = 0.0f, variance = 0.0f, std;
    int i;
    for (i = 0; i < n; i++)
        mean += y[i];
    mean /= (float)n;
    for (i = 0; i < n; i++)
        variance += (y[i] - mean) * (y[i] - mean);
    std = nn_sqrt(variance / (float)n + 1e-5f);
    for (i = 0; i < n; i++)
        y[i] = gamma[i] * ((y[i] - mean) / std) + beta[i];
}

/*: mix */
static void nn_mix(const float *alpha, const float *x, int m, float *y, int n)
{
    int i;
    (void)m;
    for (i = 0; i < n; i++)
        y[i] += alpha[i] * (x[i] - y[i]);
}

/*: add */
static void nn_add(const float *x, int m, float *y, int n)
{
    int i;
    (void)m;
    for (i = 0; i < n; i++)
        y[i] += x[i];
}

/*: cos */
static void nn_cos(float *y, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        /* x = quarters * pi/2 + r, |r| <= pi/4 */
        double x = y[i] < 0.0f ? -(double)y[i] : y[i];
        int64_t quarters = (int64_t)(x * 0.6366197723675814 + 0.5);
        double r = x - (double)quarters * 1.5707963267948966;
        double s = r * r;
        double cosine = 1 - s / 2 * (1 - s / 12 * (1 - s / 30 * (1 - s / 56 * (1 - s / 90))));
        double sine = r * (1 - s / 6 * (1 - s / 20 * (1 - s / 42 * (1 - s / 72))));
        double value = quarters % 2 == 0 ? cosine : -sine;
        y[i] = (float)(quarters % 4 < 2 ? value : -value);
    }
}

/*: bins */
/* The piecewise-linear encoding of each value, over the bins between its edges. */
static void nn_bins(const float *x, int n, int bins, const float *edges, float *y, int m)
{
    int i, bin;
    (void)m;
    for (i = 0; i < n; i++) {
        for (bin = 0; bin < bins; bin++) {
            float width = edges[bin + 1] - edges[bin], value;
            if (width > 0.0f) {
                value = (x[i] - edges[bin]) / width;
                if (bin > 0 && value < 0.0f)
                    value = 0.0f;
                if (bin < bins - 1 && value > 1.0f)
                    value = 1.0f;
            } else {
                value = x[i] >= edges[bin] ? 1.0f : 0.0f;
            }
            *y++ = value;
        }
        edges += bins + 1;
    }
}

/*: embed needs bits */
/* The vector of a category; NaN for a value that is not the index of a category. */
static void nn_embed(const float *x, int n, int categories, const float *vectors, float *y, int m)
{
    int is_number = x[0] >= 0.0f && x[0] < (float)categories, i;
    int category = is_number ? (int)x[0] : 0;
    (void)n;
    if ((float)category != x[0])
        is_number = 0;
    for (i = 0; i < m; i++)
        y[i] = is_number ? vectors[category * m + i] : nn_float_of_bits(0x7fc00000u);
}

/*: members */
/* One row per member: its factors times the values. */
static void nn_members(const float *x, int n, const float *factors, float *y, int m)
{
    int i;
    for (i = 0; i < m; i++)
        y[i] = factors[i] * x[i % n];
}

/*: mean */
/* The mean of the rows of all members. */
static void nn_mean(const float *x, int n, float *y, int m)
{
    int i;
    for (i = 0; i < m; i++)
        y[i] = x[i];
    for (i = m; i < n; i++)
        y[i % m] += x[i];
    for (i = 0; i < m; i++)
        y[i] /= (float)(n / m);
}

/*: log_value */
/* ln(x) for x from 0 to 1; -708.4 for 0. x = 2^n r, ln(r) = 2 atanh((r - 1) / (r + 1)). */
static float nn_log_value(float x)
{
    float s, square, series = 0.0f;
    int n = 0, k;
    if (x < 1.1754944e-38f)
        return -708.3964f;
    for (; x < 0.70710677f; x *= 2.0f)
        n--;
    s = (x - 1.0f) / (x + 1.0f);
    square = s * s;
    for (k = 11; k >= 1; k -= 2)
        series = series * square + 1.0f / (float)k;
    return (float)n * 0.6931472f + 2.0f * s * series;
}

/*: log needs log_value */
static void nn_log(float *y, int n)
{
    int i;
    for (i = 0; i < n; i++)
        y[i] = nn_log_value(y[i]);
}

/*: restore needs exp_value */
/* exp(y) for kind 1, exp(y) - 1 for kind 2, y for kind 0. */
static void nn_restore(const int8_t *kinds, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++)
        if (kinds[i] != 0)
            y[i] = nn_exp(y[i]) - (kinds[i] == 2 ? 1.0f : 0.0f);
}
