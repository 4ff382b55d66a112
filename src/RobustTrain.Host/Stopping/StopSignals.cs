using System.Runtime.InteropServices;
using RobustTrain.Platform;

namespace RobustTrain.Host.Stopping;

/// <summary>
/// SIGTERM, SIGINT, SIGUSR1 (Slurm's <c>--signal</c>) and SIGHUP (a terminal that is closed) ask for a stop with a checkpoint.
/// A second SIGINT ends the process at once.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    // PosixSignal takes raw numbers for signals that it has no name for.
    private const PosixSignal LinuxUser1 = (PosixSignal)10;
    private const PosixSignal MacUser1 = (PosixSignal)30;
    private const int HangUpNumber = 1;
    private const int InterruptNumber = 2;

    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly StopRequests _requests;
    private int _interrupts;

    /// <summary>Begins to listen.</summary>
    public StopSignals(StopRequests requests)
    {
        _requests = requests;

        // A shell without job control has SIGINT ignored in what it starts by '&', to spare it the terminal's Ctrl+C. Here that
        // means a checkpoint, and somebody who sends it by kill means it too.
        PosixSignals.Unignore(InterruptNumber);
        Listen(PosixSignal.SIGTERM, "SIGTERM");
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, OnInterrupt));
        if (OperatingSystem.IsLinux())
            Listen(LinuxUser1, "SIGUSR1");
        else if (OperatingSystem.IsMacOS())
            Listen(MacUser1, "SIGUSR1");

        // nohup has it ignored, and means it.
        if (!PosixSignals.IsIgnored(HangUpNumber))
            Listen(PosixSignal.SIGHUP, "SIGHUP");
    }

    /// <inheritdoc/>
    public void Dispose() => _registrations.ForEach(registration => registration.Dispose());

    private void Listen(PosixSignal signal, string name) => _registrations.Add(PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        _requests.Stop(name);
    }));

    // Not cancelled, a signal does what it does to any process: the second SIGINT ends it, with what a shell expects as status.
    private void OnInterrupt(PosixSignalContext context)
    {
        context.Cancel = Interlocked.Increment(ref _interrupts) == 1;
        _requests.Stop("SIGINT");
    }
}
