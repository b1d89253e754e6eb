/* Exports nothing. */
int fb_channel_modul(void);
int fb_channel_modul(void)
{
    return 0;
}
