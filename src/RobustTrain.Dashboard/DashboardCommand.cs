using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Buffers;
using RobustTrain.Dashboard.Serving;
using RobustTrain.Monitoring;
using RobustTrain.Monitoring.Alerts;
using RobustTrain.Monitoring.Monitors;
using RobustTrain.Monitoring.Sources.Ssh;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Events;

namespace RobustTrain.Dashboard;

/// <summary><c>robusttrain dashboard</c>: serves a page that shows runs and hosts.</summary>
internal static class DashboardCommand
{
    private const string Variable = "ROBUSTTRAIN_HOST";

    /// <summary>Runs a command line.</summary>
    /// <returns>The exit code of the process.</returns>
    public static int Run(string[] arguments)
    {
        RootCommand command = Create();
        ParseResult parsed = command.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count == 0)
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        foreach (string sentence in parsed.UnmatchedTokens.Count == 0 ? parsed.Errors.Select(error => error.Message.ReplaceLineEndings(" ")) : parsed.UnmatchedTokens.Select(token => Unknown(token, command)))
            Say(sentence);
        Say("'robusttrain dashboard --help' lists what there is.");
        return (int)ExitCode.Configuration;
    }

    private static RootCommand Create()
    {
        Argument<string> path = new("RUNS") { DefaultValueFactory = _ => ".", Description = "The folder of the runs, searched four levels deep; without it the current one." };
        Option<string[]> hosts = new("--host") { HelpName = "NAME", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [], Description = "Hosts to watch, by the names of the ssh configuration; without it this one." };
        Option<int> port = new("--port") { HelpName = "N", DefaultValueFactory = _ => DashboardOptions.DefaultPort, Description = "The port; 0 takes one that is free." };
        Option<string?> listen = new("--listen") { HelpName = "ADDRESS", Description = "An address of this machine, or * for all, on which others are served too; without it the page is this machine's alone. Give a certificate with it: without TLS whoever sees the traffic has the token." };
        listen.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && AddressOf(token.Value) is null)
                result.AddError($"--listen is '{token.Value}', but must be an address, as 192.168.0.7, or * for all.");
        });
        Option<string[]> names = new("--host-name") { HelpName = "NAME", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [], Description = "With --listen: names under which others call this machine, beside its own; requests under any other name are refused." };
        Option<string?> certificate = new("--certificate") { HelpName = "FILE", Description = "Serves over TLS: a PEM file with certificate and key, or a PFX file without a password." };
        Option<string?> key = new("--certificate-key") { HelpName = "FILE", Description = "The PEM file with the certificate's key, where it is another one." };
        Option<string?> tokenFile = new("--token-file") { HelpName = "FILE", Description = "A file with the token, which then stays the same; it is made where it is not there. Without it each start has a new one. For Prometheus, and for services." };
        Option<bool> control = new("--allow-control") { Description = "The page may stop and resume runs." };
        Option<double> interval = new("--interval") { HelpName = "SECONDS", DefaultValueFactory = _ => 2, Description = "The time between two samples of a host." };
        interval.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !(double.TryParse(token.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds) && seconds is >= 0.5 and <= 3600))
                result.AddError($"--interval is '{token.Value}', but must be from 0.5 to 3600 seconds.");
        });
        Option<string> source = new("--gpu-source") { HelpName = "SOURCE", DefaultValueFactory = _ => "auto", Description = "Where this host's GPUs are read from: auto, nvml, nvidia-smi, or simulated:N." };
        source.Validators.Add(result =>
        {
            try
            {
                GpuSourceSpec.Parse(result.Tokens is [var token] ? token.Value : "auto");
            }
            catch (FormatException exception)
            {
                result.AddError(exception.Message);
            }
        });
        Option<string[]> alerts = new("--alert") { HelpName = "RULE", Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = false, DefaultValueFactory = _ => [], Description = "A limit that raises an alert on the page, as 'TemperatureCelsius > 85 for 30s'; may be given several times." };
        alerts.Validators.Add(result =>
        {
            foreach (string rule in result.Tokens.Select(token => token.Value))
            {
                try
                {
                    AlertRule.Parse(rule);
                }
                catch (FormatException mistake)
                {
                    result.AddError(mistake.Message);
                }
            }
        });
        Option<double> timeout = new("--timeout") { HelpName = "SECONDS", DefaultValueFactory = _ => 5, Description = "How long a sample of a host may take." };
        Option<string?> ssh = new("--ssh-config") { HelpName = "FILE", Description = "An ssh configuration in place of the operator's own." };
        Option<bool> events = new("--events") { Description = "Writes events to standard output, one JSON object a line, and nothing else there." };
        Option<bool> lifeLine = new("--life-line") { Description = "Ends when standard input ends, or says 'stop': whoever started this is gone." };
        RootCommand command = new(
            "Serves a page that shows runs, their curves, hosts and GPUs as they are now, fleets and alerts, and /metrics for Prometheus. It opens by the address with a token that is printed at its start.")
        {
            path, hosts, port, listen, names, certificate, key, tokenFile, control, interval, source, alerts, timeout, ssh, events, lifeLine,
        };
        path.Validators.Add(result =>
        {
            // What looks like an option is a word of the command line that no option has.
            if (result.Tokens is [{ Value: ['-', '-', ..] } word])
                result.AddError(Unknown(word.Value, command));
        });
        command.SetAction(parsed =>
        {
            EventWriter output = new(parsed.GetValue(events));
            return Guard(output, () => ServeAsync(
                new DashboardOptions
                {
                    Path = Path.GetFullPath(parsed.GetValue(path)!),
                    Port = parsed.GetValue(port),
                    Listen = parsed.GetValue(listen) is { } address ? AddressOf(address) : null,
                    HostNames = parsed.GetValue(names)!,
                    CertificatePath = parsed.GetValue(certificate),
                    CertificateKeyPath = parsed.GetValue(key),
                    TokenPath = parsed.GetValue(tokenFile),
                    AllowControl = parsed.GetValue(control),
                    Executable = Executable(),
                    Monitoring = new MonitorSessionOptions
                    {
                        ComputerNames = parsed.GetValue(hosts)!,
                        GpuSource = GpuSourceSpec.Parse(parsed.GetValue(source)!),
                        Ssh = new SshOptions { ConfigPath = parsed.GetValue(ssh) },
                        Alerts = [.. parsed.GetValue(alerts)!.Select(AlertRule.Parse)],
                        Sampling = new MonitorOptions
                        {
                            Interval = TimeSpan.FromSeconds(parsed.GetValue(interval)),
                            Timeout = TimeSpan.FromSeconds(Math.Clamp(parsed.GetValue(timeout), 0, 86400)),
                            IncludeProcesses = true,
                        },
                    },
                },
                output,
                parsed.GetValue(lifeLine)).GetAwaiter().GetResult());
        });
        return command;
    }

    private static async Task<int> ServeAsync(DashboardOptions options, EventWriter output, bool hasLifeLine)
    {
        using CancellationTokenSource stopping = new();
        using PosixSignalRegistration? hangUp = OperatingSystem.IsWindows() ? null : PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
        {
            signal.Cancel = true;
            stopping.Cancel();
        });
        if (hasLifeLine)
            new Thread(() => Hold(stopping)) { IsBackground = true, Name = "life line" }.Start();
        await using DashboardServer server = await DashboardServer.StartAsync(options, stopping.Token);
        if (options is { Listen: not null, CertificatePath: null } && !IPAddress.IsLoopback(options.Listen))
            output.Warn($"The page is served without TLS on {options.Listen}: whoever sees the traffic has its token and reads what it shows; give a certificate by --certificate.");
        if (options is { Listen: not null, AllowControl: true } && !IPAddress.IsLoopback(options.Listen))
            output.Warn("Whoever has the address with its token may stop runs, and resume them as this user.");
        output.Tell(new DashboardStarted(server.Url, server.Address, options.Path));
        await server.WaitAsync(stopping.Token);
        return (int)ExitCode.Finished;
    }

    private static void Hold(CancellationTokenSource stopping)
    {
        try
        {
            while (Console.In.ReadLine() is { } line && line.Trim() != "stop")
            {
            }
        }
        catch (IOException)
        {
            // A pipe that can't be read has no parent at its other end any more.
        }

        stopping.Cancel();
    }

    private static int Guard(EventWriter output, Func<int> work)
    {
        try
        {
            return work();
        }
        catch (OperationCanceledException)
        {
            return (int)ExitCode.Finished;
        }
        catch (RunException refused)
        {
            return output.Fail(refused.ExitCode, refused.ErrorId, refused.Message);
        }
        catch (MonitorException refused)
        {
            return output.Fail(ExitCode.Configuration, refused.ErrorId, refused.Message);
        }
        catch (Exception unforeseen)
        {
            if (Environment.GetEnvironmentVariable("ROBUSTTRAIN_DEBUG") == "1")
                Console.Error.WriteLine(unforeseen);
            return output.Fail(ExitCode.Unexpected, "Unexpected", $"Unexpected {unforeseen.GetType().Name}: {unforeseen.Message}");
        }
    }

    private static string Executable()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
            return Path.GetFullPath(named);
        return Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "robusttrain.exe" : "robusttrain");
    }

    private static IPAddress? AddressOf(string text) => text == "*" ? IPAddress.Any : IPAddress.TryParse(text, out IPAddress? address) ? address : null;

    private static string Unknown(string word, RootCommand command) =>
        NearestName.Of(word, command.Options.SelectMany(option => option.Aliases.Append(option.Name))) is { } nearest ? $"'{word}' is not known here; did you mean '{nearest}'?" : $"'{word}' is not known here.";

    private static void Say(string sentence) => Console.Error.WriteLine($"robusttrain: {sentence}");

    /// <summary>Tells a person, or who reads events.</summary>
    private sealed class EventWriter(bool writesEvents)
    {
        private readonly Stream? _events = writesEvents ? Console.OpenStandardOutput() : null;

        public void Tell(DashboardStarted started)
        {
            if (_events is null)
                Console.Out.WriteLine($"The runs of '{started.Path}' and the hosts: {started.Url}\nCtrl+C ends it. The token is printed here alone.");
            else
                Write(started);
        }

        public void Warn(string message)
        {
            if (_events is null)
                Say(message);
            else
                Write(new RunWarning(message));
        }

        public int Fail(ExitCode code, string errorId, string message)
        {
            if (_events is not null)
                Write(new RunFinished("failed", (int)code, message, errorId));
            Say(message);
            return (int)code;
        }

        private void Write(RunEvent happened)
        {
            ArrayBufferWriter<byte> line = new();
            EventLine.Write(line, happened with { Time = DateTimeOffset.UtcNow });
            try
            {
                _events!.Write(line.WrittenSpan);
                _events.Flush();
            }
            catch (IOException)
            {
                // Nobody reads it any more, which the life line says too.
            }
        }
    }
}
