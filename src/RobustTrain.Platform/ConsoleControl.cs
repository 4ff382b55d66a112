using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace RobustTrain.Platform;

/// <summary>What Windows tells the programs of a console, and those of a session that ends.</summary>
public enum ConsoleEvent
{
    /// <summary>Ctrl+C.</summary>
    Interrupt = 0,

    /// <summary>Ctrl+Break.</summary>
    Break = 1,

    /// <summary>The console's window is closed; the process is ended some five seconds later.</summary>
    Close = 2,

    /// <summary>A user logs off; likewise.</summary>
    LogOff = 5,

    /// <summary>The machine shuts down; likewise, after some twenty seconds.</summary>
    Shutdown = 6,
}

/// <summary>Takes the events of Windows' console until it is disposed of.</summary>
[SupportedOSPlatform("windows")]
public sealed class ConsoleControl : IDisposable
{
    private readonly Func<ConsoleEvent, bool> _take;
    private readonly Handler _handler;

    /// <summary>Begins to listen; Ctrl+C arrives from now on also where the process that started this one had it ignored.</summary>
    /// <param name="take">Takes an event on a thread of its own; false leaves it to Windows, which ends the process.</param>
    /// <exception cref="Win32Exception">Windows refuses it.</exception>
    public ConsoleControl(Func<ConsoleEvent, bool> take)
    {
        _take = take;
        _handler = Handle;
        Kernel32.SetConsoleHandler(0, add: false);
        if (!Kernel32.SetConsoleHandler(Marshal.GetFunctionPointerForDelegate(_handler), add: true))
            throw new Win32Exception();
    }

    [UnmanagedFunctionPointer(CallingConvention.Winapi)]
    private delegate int Handler(int kind);

    /// <inheritdoc/>
    public void Dispose()
    {
        Kernel32.SetConsoleHandler(Marshal.GetFunctionPointerForDelegate(_handler), add: false);
        GC.KeepAlive(_handler);
    }

    /// <summary>Has Ctrl+C ignored by this process and by those that it starts.</summary>
    public static void IgnoreInterrupt() => Kernel32.SetConsoleHandler(0, add: true);

    private int Handle(int kind)
    {
        bool isTaken = Enum.IsDefined((ConsoleEvent)kind) && _take((ConsoleEvent)kind);

        // Windows ends the process when this returns; it is left the time that it is given.
        if (isTaken && (ConsoleEvent)kind is ConsoleEvent.Close or ConsoleEvent.LogOff or ConsoleEvent.Shutdown)
            Thread.Sleep(Timeout.Infinite);
        return isTaken ? 1 : 0;
    }
}
