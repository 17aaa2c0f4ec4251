/* A list, a list with two links, a tree and an array of structs, all on the heap: how many of
 * each, where the first is and how large; then "ready". */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct item { struct item *next; uint32_t number, flags; char name[16]; double weight; };
struct entry { uint64_t key; struct entry *before, *after; char *owner; };
struct node { int64_t key; char label[8]; struct node *left, *right; double value; void *nothing; };
struct row { uint32_t id, kind; double price; char *name; char code[8]; };

static struct node *tree(int low, int high)
{
    if (low >= high)
        return NULL;
    struct node *one = calloc(1, sizeof *one);
    int middle = (low + high) / 2;
    one->key = middle;
    snprintf(one->label, sizeof one->label, "n%05d", middle % 100000);
    one->value = middle * 1.5 + 0.25;
    one->left = tree(low, middle);
    one->right = tree(middle + 1, high);
    return one;
}

static struct item *items;
static struct entry *entries;
static struct node *nodes;
static struct row *rows;

int main(void)
{
    enum { ITEMS = 120, ENTRIES = 90, NODES = 127, ROWS = 75 };
    for (int n = 0; n < ITEMS; n++) {
        struct item *one = calloc(1, sizeof *one);
        *one = (struct item){.next = items, .number = n + 1, .flags = 3, .weight = n + 0.5};
        snprintf(one->name, sizeof one->name, "item-%d", n);
        items = one;
        free(malloc(24 + n % 7 * 48));
    }
    struct entry *last = NULL;
    for (int n = 0; n < ENTRIES; n++) {
        struct entry *one = calloc(1, sizeof *one);
        one->key = (uint64_t)(n + 1) * 7919;
        one->owner = strdup("an owner of an entry of some length");
        one->before = last;
        if (last)
            last->after = one;
        else
            entries = one;
        last = one;
    }
    nodes = tree(1, NODES + 1);
    rows = calloc(ROWS, sizeof *rows);
    for (int n = 0; n < ROWS; n++) {
        rows[n] = (struct row){.id = n + 100, .kind = n % 3, .price = n * 3.75 + 1, .code = "ABCD"};
        rows[n].name = strdup("the name of a row of the table");
    }
    printf("list %d %p %zu\n", ITEMS, (void *)items, sizeof *items);
    printf("doubly_linked_list %d %p %zu\n", ENTRIES, (void *)entries, sizeof *entries);
    printf("tree %d %p %zu\n", NODES, (void *)nodes, sizeof *nodes);
    printf("array %d %p %zu\n", ROWS, (void *)rows, sizeof *rows);
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}
