/* Predicts the price of a flat: its area, its rooms (nan if unknown), and the index of its city. */
#include <stdio.h>
#include <stdlib.h>

#include "houses.c"

int main(int argc, char **argv)
{
    float values[NN_INPUTS], output[NN_OUTPUTS];
    int i;
    if (argc != NN_INPUTS + 1) {
        fprintf(stderr, "expected %d values\n", NN_INPUTS);
        return 2;
    }
    for (i = 0; i < NN_INPUTS; i++)
        values[i] = strtof(argv[i + 1], NULL);
    nn_predict(values, output);
    printf("%s %.2f\n", nn_output_names[0], output[0]);
    return 0;
}
