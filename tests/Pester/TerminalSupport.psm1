# A pwsh of its own in a terminal: what it writes is kept, its questions about the cursor are answered as a terminal does.
Add-Type -TypeDefinition @'
using System;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;
using Microsoft.Win32.SafeHandles;

public sealed class TestTerminal : IDisposable
{
    [DllImport("libc", SetLastError = true)] private static extern int posix_openpt(int flags);
    [DllImport("libc", SetLastError = true)] private static extern int grantpt(int descriptor);
    [DllImport("libc", SetLastError = true)] private static extern int unlockpt(int descriptor);
    [DllImport("libc", SetLastError = true)] private static extern int ptsname_r(int descriptor, byte[] name, nint length);
    [DllImport("libc", SetLastError = true)] private static extern int ioctl(int descriptor, nuint request, ushort[] size);

    private const int ReadWriteNotControlling = 0x102;
    private const nuint SetWindowSize = 0x5414;
    private const string CursorQuestion = "\x1b[6n";

    private readonly SafeFileHandle _handle;
    private readonly StringBuilder _text = new();
    private readonly int _interruptedAnswer;

    // interruptedAnswer: the answer, from 1, that is followed at once by Ctrl+C, before anything can have read it; 0 for none.
    public TestTerminal(string command, ushort rows, ushort columns, int interruptedAnswer)
    {
        _interruptedAnswer = interruptedAnswer;
        int descriptor = posix_openpt(ReadWriteNotControlling);
        byte[] name = new byte[64];
        if (descriptor < 0 || grantpt(descriptor) != 0 || unlockpt(descriptor) != 0 || ptsname_r(descriptor, name, name.Length) != 0 || ioctl(descriptor, SetWindowSize, [rows, columns, 0, 0]) != 0)
            throw new IOException("There is no terminal: error " + Marshal.GetLastPInvokeError());
        _handle = new SafeFileHandle(descriptor, ownsHandle: true);
        string path = Encoding.UTF8.GetString(name).TrimEnd('\0');
        Shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "exec setsid --ctty env --default-signal=HUP,INT TERM=xterm " + command + " <>" + path + " >&0 2>&0"]));
        new Thread(Show) { IsBackground = true }.Start();
    }

    public Process Shell { get; }

    public string Text { get { lock (_text) return _text.ToString(); } }

    public void Type(string keys)
    {
        using var stream = new FileStream(new SafeFileHandle(_handle.DangerousGetHandle(), ownsHandle: false), FileAccess.Write, 0);
        stream.Write(Encoding.UTF8.GetBytes(keys));
    }

    public void Dispose()
    {
        if (!Shell.HasExited)
            Shell.Kill(true);
        Shell.Dispose();
        _handle.Dispose();
    }

    private void Show()
    {
        byte[] bytes = new byte[4096];
        int answers = 0, seen = 0;
        try
        {
            using var stream = new FileStream(new SafeFileHandle(_handle.DangerousGetHandle(), ownsHandle: false), FileAccess.Read, 0);
            for (int count; (count = stream.Read(bytes)) > 0;)
            {
                lock (_text)
                    _text.Append(Encoding.UTF8.GetString(bytes, 0, count));
                for (int question; (question = Text.IndexOf(CursorQuestion, seen, StringComparison.Ordinal)) >= 0; seen = question + 1)
                    Type(++answers == _interruptedAnswer ? "\x1b[1;1R\x03" : "\x1b[1;1R");
            }
        }
        catch (IOException)
        {
            // The shell has gone.
        }
        catch (ObjectDisposedException)
        {
            // The test has ended.
        }
    }
}
'@

# A pwsh in a terminal of 80 columns that runs a script with the module imported.
function Start-TerminalShell {
    param([Parameter(Mandatory)] [string] $Script, [Parameter(Mandatory)] [string] $ScriptPath, [int] $InterruptedAnswer)
    Set-Content -LiteralPath $ScriptPath -Value "Import-Module '$(Get-ModulePath)'`n$Script"
    [TestTerminal]::new("'$PSHOME/pwsh' -NoProfile -File '$ScriptPath'", 24, 80, $InterruptedAnswer)
}

Export-ModuleMember -Function *
