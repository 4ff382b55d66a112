using System.Runtime.InteropServices;

namespace RobustTrain.Platform;

/// <summary>The terminal at standard input.</summary>
public static class Terminal
{
    private const int StandardInput = 0;

    // termios(3) of Linux.
    private const uint Signals = 0x1;
    private const uint Canonical = 0x2;
    private const uint NoFlush = 0x80;

    /// <summary>
    /// Has Ctrl+C leave the terminal's input as it is, until .NET sets the terminal's mode the next time. PowerShell asks the terminal where its
    /// cursor stands whenever it draws the line of its progress; .NET waits for the answer without a limit, and Ctrl+C would take an answer
    /// away that has not been read yet: the shell would never come back. Only where .NET has set the mode itself, as its first such question
    /// does: it sets it back when the process ends.
    /// </summary>
    public static unsafe void KeepInputAtInterrupt()
    {
        Mode mode;
        if (!OperatingSystem.IsLinux() || Libc.GetTerminalMode(StandardInput, &mode) != 0)
            return;
        // Line by line: not .NET's mode. Without signals: a line is being edited, which sees Ctrl+C as a key.
        if ((mode.Local & (Signals | Canonical | NoFlush)) != Signals)
            return;
        // In the background the terminal is another program's, and setting its mode would stop this process.
        if (Libc.GetForegroundGroup(StandardInput) != Libc.GetProcessGroup())
            return;

        mode.Local |= NoFlush;
        _ = Libc.SetTerminalMode(StandardInput, 0, &mode);
    }

    /// <summary>struct termios of glibc and musl on x64 and arm64.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal unsafe struct Mode
    {
        /// <summary>c_iflag, c_oflag, c_cflag.</summary>
        public fixed uint Lines[3];

        /// <summary>c_lflag.</summary>
        public uint Local;

        /// <summary>c_line, c_cc, c_ispeed, c_ospeed.</summary>
        public fixed byte Rest[44];
    }
}
