using System.ComponentModel;
using System.Globalization;
using RobustTrain.Monitoring.Status;
using RobustTrain.Platform;

namespace RobustTrain.Monitoring.Sources.Ssh;

/// <summary>
/// A host over the OpenSSH client: one connection that stays, one command a tick for its CPU and all its GPUs. A connection that ends is
/// made again, at growing intervals, and why it ended is told at each tick meanwhile.
/// </summary>
/// <param name="computerName">The host, as the operator's ssh configuration knows it.</param>
/// <param name="kinds">What to read.</param>
/// <param name="options">How to sample.</param>
/// <param name="ssh">How to call the client.</param>
/// <param name="guard">Ends the client with this process.</param>
public sealed class SshSource(string computerName, MonitorKinds kinds, MonitorOptions options, SshOptions ssh, ChildGuard guard) : ISampleSource<HostSnapshot>
{
    // How cmd.exe and PowerShell end that know no command 'sh'; what they say of it is in the host's language.
    private const int UnknownCommand = 1;

    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(60);

    // After its end the last lines may still be on their way: where every thread of the pool is busy, for seconds.
    private static readonly TimeSpan LastLines = TimeSpan.FromSeconds(10);

    private readonly RemoteReply _reply = new(computerName, kinds, options);
    private readonly InterruptibleChild _connection = new(guard);
    private bool _isWindows;
    private bool _hasAnswered;
    private bool _knowsSlow;
    private long _tick;
    private MonitorException? _lastFailure;
    private TimeSpan _retryAfter = FirstRetry;
    private long _failedAt;

    /// <inheritdoc/>
    public string Name => $"ssh {computerName}";

    /// <inheritdoc/>
    public HostSnapshot Sample(SampleDetail detail)
    {
        try
        {
            return Read(detail);
        }
        catch (MonitorException failure) when (failure.ErrorId == SshFailure.NoShell && !_isWindows)
        {
            return ReadFromWindows(detail, failure);
        }
        finally
        {
            _connection.ForgetInterrupt();
        }
    }

    /// <summary>Cuts the connection, or the one that is on its way.</summary>
    public void Interrupt() => _connection.Interrupt();

    /// <inheritdoc/>
    public void Dispose() => Drop();

    private HostSnapshot ReadFromWindows(SampleDetail detail, MonitorException failure)
    {
        _isWindows = true;
        _lastFailure = null;
        try
        {
            return Read(detail);
        }
        catch (MonitorException) when (!_hasAnswered)
        {
            _isWindows = false;
            _lastFailure = failure;
            throw failure;
        }
    }

    private HostSnapshot Read(SampleDetail detail)
    {
        if (_connection.Current is null)
            Connect();
        if (!_knowsSlow)
            detail = SampleDetail.Full;
        string nonce = string.Create(CultureInfo.InvariantCulture, $"{++_tick}.{Random.Shared.Next():x8}");
        try
        {
            _connection.Current!.Input.Write(RemoteScript.Call(nonce, detail));
            _connection.Current.Input.Flush();
            Receive(nonce);
        }
        catch (Exception failure) when (failure is IOException or ObjectDisposedException)
        {
            throw Fail();
        }
        catch (MonitorException failure)
        {
            Drop();
            _lastFailure = failure;
            _failedAt = options.TimeProvider.GetTimestamp();
            throw;
        }

        _hasAnswered = true;
        _lastFailure = null;
        _retryAfter = FirstRetry;
        HostSnapshot snapshot = _reply.ToSnapshot(options.TimeProvider.GetUtcNow(), detail == SampleDetail.Full);

        // One GPU that is lost tells no more in a full sample than in a cheap one; where none is connected, nvidia-smi itself may have failed.
        _knowsSlow = snapshot.Gpus is null or [] || snapshot.Gpus.Any(gpu => gpu.IsConnected);
        return snapshot;
    }

    private void Connect()
    {
        if (_lastFailure is not null && options.TimeProvider.GetElapsedTime(_failedAt) < _retryAfter)
            throw new MonitorException(_lastFailure.ErrorId, _lastFailure.Message, _lastFailure.Target, _lastFailure);
        if (ssh.ConfigPath is { } config && !File.Exists(config))
            throw new MonitorException("SshConfigNotFound", $"The ssh configuration {config} does not exist.", config);
        IReadOnlyList<string> arguments = ssh.Arguments(computerName, options.Timeout, _isWindows ? RemoteWindowsScript.Command : "sh");
        ChildProcess process;
        try
        {
            process = _connection.Start(FindProgram(), arguments);
        }
        catch (Win32Exception failure)
        {
            throw new MonitorException("SshFailed", $"The program {ssh.Program} could not be started: {failure.Message}", ssh.Program, failure);
        }

        try
        {
            process.Input.Write(_isWindows
                ? RemoteWindowsScript.Define(kinds, options.IncludeProcesses)
                : RemoteScript.Define(kinds, options.IncludeProcesses, options.Timeout));
        }
        catch (IOException)
        {
            throw Fail();
        }
    }

    private string FindProgram() => Path.IsPathRooted(ssh.Program) ? ssh.Program
        : ChildProcess.FindProgram(ssh.Program)
        ?? throw new MonitorException("SshNotFound", $"The OpenSSH client 'ssh' was not found on the path: install it ({(OperatingSystem.IsWindows() ? "Windows: the optional feature OpenSSH Client" : "Debian: openssh-client")}) to watch other hosts.", ssh.Program);

    private void Receive(string nonce)
    {
        _reply.Begin();
        do
        {
            if (_connection.Current!.Output.ReadLine() is not { } line)
                throw Fail();
            if (_reply.Take(line, nonce))
                return;
        }
        while (true);
    }

    private MonitorException Fail()
    {
        int? exitCode = _connection.Current!.WaitForExit(TimeSpan.FromMilliseconds(500));
        IReadOnlyList<string> errors = _connection.IsInterrupted ? [] : _connection.Current.LastErrorLines(LastLines);
        Drop();
        _retryAfter = _lastFailure is null ? FirstRetry : TimeSpan.FromTicks(Math.Min(LongestRetry.Ticks, _retryAfter.Ticks * 2));
        _failedAt = options.TimeProvider.GetTimestamp();
        _lastFailure = _connection.IsInterrupted
            ? new MonitorException("ConnectionTimedOut", FormattableString.Invariant($"{computerName} did not answer within {options.Timeout.TotalSeconds:0.###} s; its connection was cut."), computerName)
            : exitCode == UnknownCommand && !_hasAnswered
            ? new MonitorException(SshFailure.NoShell, $"{computerName} has neither a shell 'sh' nor Windows PowerShell: {SshFailure.Last(errors)}", computerName)
            : SshFailure.From(computerName, errors, exitCode, SshHostNames.Read(ssh.ConfigPath ?? SshOptions.OperatorConfigPath));
        return _lastFailure;
    }

    private void Drop()
    {
        _connection.Drop();
        _knowsSlow = false;
    }
}

/// <summary>Tells from the OpenSSH client's last words why a connection failed.</summary>
public static class SshFailure
{
    /// <summary>The id of the error that a host has no shell to be asked by.</summary>
    internal const string NoShell = "RemoteShellNotFound";

    /// <summary>The error of a connection that has ended.</summary>
    /// <param name="host">The host, as the operator named it.</param>
    /// <param name="errors">The last lines of the client's standard error.</param>
    /// <param name="exitCode">The client's exit code; null where it did not end by itself.</param>
    /// <param name="known">The names in the operator's configuration.</param>
    public static MonitorException From(string host, IReadOnlyList<string> errors, int? exitCode, IEnumerable<string> known)
    {
        string all = string.Join('\n', errors);
        bool Says(string text) => all.Contains(text, StringComparison.OrdinalIgnoreCase);

        (string id, string text) = true switch
        {
            _ when Says("REMOTE HOST IDENTIFICATION HAS CHANGED") => ("HostKeyChanged", $"The host key of {host} has changed: either the host was set up anew (then remove the old key with ssh-keygen -R) or somebody stands in between."),
            _ when Says("Host key verification failed") || Says("host key is known for") => ("HostKeyUnknown", $"The host key of {host} is not known: connect once by hand with ssh and check its fingerprint."),
            _ when Says("Could not resolve hostname") => ("HostUnknown", $"The host {host} is not known.{NearestName.Hint(host, known)}"),
            _ when Says("Permission denied") || Says("Too many authentication failures") => ("SshKeyRefused", $"{host} accepted none of the keys: check the key and its agent with 'ssh -o BatchMode=yes {host} true'."),
            _ when Says("Connection refused") => ("ConnectionRefused", $"{host} refused the connection: no ssh server listens there."),
            _ when Says("timed out") || Says("not responding") => ("ConnectionTimedOut", $"{host} did not answer in time."),
            _ when Says("No route to host") || Says("Network is unreachable") => ("HostUnreachable", $"{host} cannot be reached: there is no route to it."),
            _ when Says("Bad configuration option") || Says("Bad owner or permissions") || Says("Can't open user config file") => ("SshConfigInvalid", $"ssh does not accept its configuration: {Last(errors)}"),
            _ when exitCode == 127 => (NoShell, $"{host} has no shell 'sh'."),
            _ when errors.Count > 0 => ("SshFailed", $"The connection to {host} ended: {Last(errors)}"),
            _ => ("ConnectionClosed", $"The connection to {host} was closed{(exitCode is { } code ? $" (exit code {code})" : "")}."),
        };
        return new MonitorException(id, text, host);
    }

    /// <summary>The last line that says something.</summary>
    internal static string Last(IReadOnlyList<string> errors) => errors.LastOrDefault(line => line.Trim().Length > 0)?.Trim() ?? "it said nothing";
}
