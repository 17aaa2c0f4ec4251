/* A DLL's entry that does nothing. */
int __stdcall DllMain(void *module, unsigned reason, void *reserved)
{
    (void)module, (void)reason, (void)reserved;
    return 1;
}
