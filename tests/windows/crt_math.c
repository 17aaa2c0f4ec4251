/* Functions of complex numbers, which Wine 8's ucrtbase.dll only names and numpy calls. A complex
 * number is a structure of two, as in Microsoft's <complex.h>, where a long double is a double. */
#include <complex.h>

typedef struct { double re, im; } Wide;
typedef struct { float re, im; } Narrow;

static double complex in(Wide z)
{
    double complex made;
    ((double *)&made)[0] = z.re;
    ((double *)&made)[1] = z.im;
    return made;
}

static Wide out(double complex z)
{
    Wide found = {creal(z), cimag(z)};
    return found;
}

static Wide widened(Narrow z)
{
    Wide found = {z.re, z.im};
    return found;
}

static Narrow narrowed(Wide z)
{
    Narrow found = {(float)z.re, (float)z.im};
    return found;
}

#define COMPLEX_OF_COMPLEX(name) \
    Wide our_##name(Wide z) { return out(name(in(z))); } \
    Narrow our_##name##f(Narrow z) { return narrowed(our_##name(widened(z))); }
#define REAL_OF_COMPLEX(name) \
    double our_##name(Wide z) { return name(in(z)); } \
    float our_##name##f(Narrow z) { return (float)our_##name(widened(z)); }

COMPLEX_OF_COMPLEX(ccos)
COMPLEX_OF_COMPLEX(ccosh)
COMPLEX_OF_COMPLEX(cexp)
COMPLEX_OF_COMPLEX(csin)
COMPLEX_OF_COMPLEX(csinh)
COMPLEX_OF_COMPLEX(ctan)
COMPLEX_OF_COMPLEX(ctanh)
REAL_OF_COMPLEX(cabs)
REAL_OF_COMPLEX(carg)
REAL_OF_COMPLEX(cimag)
REAL_OF_COMPLEX(creal)

Wide our_cpow(Wide z, Wide w)
{
    return out(cpow(in(z), in(w)));
}

Narrow our_cpowf(Narrow z, Narrow w)
{
    return narrowed(our_cpow(widened(z), widened(w)));
}
