using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;
using RobustTrain.Platform;

namespace RobustTrain.Runs.Scheduling;

/// <summary>
/// A task of Windows' Task Scheduler, as a document of its schema. Its action is Invoke-TrainingUntilFinished.ps1 and not robusttrain.exe: Task
/// Scheduler ends a program by TerminateProcess, which leaves no time for a checkpoint, and takes no exit code for a failure. The script stops the
/// training with a checkpoint at the end of the window, starts a killed one again, and where Task Scheduler ends the script itself the training
/// notices its closed life line. The task's own time limit comes later, and is only the net below.
/// </summary>
/// <param name="schtasks">The program that registers tasks.</param>
public sealed partial class WindowsTaskScheduler(string schtasks = "schtasks") : ITrainingScheduler
{
    private const string Prefix = "RobustTrain-";

    // The time that a checkpoint may take at the end of the window before Task Scheduler ends the task.
    private static readonly TimeSpan s_grace = TimeSpan.FromMinutes(10);
    private static readonly XNamespace s_schema = "http://schemas.microsoft.com/windows/2004/02/mit/task";

    private readonly SchedulerProgram _schtasks = new(schtasks);

    /// <summary>Task Scheduler; null where there is none.</summary>
    public static WindowsTaskScheduler? OfThisUser() => ChildProcess.FindProgram("schtasks") is { } program ? new WindowsTaskScheduler(program) : null;

    /// <inheritdoc/>
    public SchedulerKind Kind => SchedulerKind.TaskScheduler;

    /// <inheritdoc/>
    public bool IsAtWork => OperatingSystem.IsWindows();

    /// <inheritdoc/>
    public string Describe(TrainingTask task, TaskEnvironment environment)
    {
        // schtasks reads UTF-16 only.
        StringBuilder text = new("<?xml version=\"1.0\" encoding=\"UTF-16\"?>\n");
        using (XmlWriter writer = XmlWriter.Create(text, new XmlWriterSettings { Indent = true, NewLineChars = "\n", OmitXmlDeclaration = true }))
            Document(task, environment).Save(writer);
        return text.Append('\n').ToString();
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Notices() => [];

    /// <inheritdoc/>
    public IReadOnlyList<TrainingTask> Tasks() => [.. Listed().Matches(_schtasks.Demand(["/query", "/fo", "csv", "/nh"]).Text).DistinctBy(found => found.Groups["name"].Value).Select(Read).OfType<TrainingTask>()];

    /// <inheritdoc/>
    public void Register(TrainingTask task, TaskEnvironment environment)
    {
        string file = Path.Combine(Path.GetTempPath(), $"{Prefix}{task.Name}-{Guid.NewGuid():N}.xml");
        try
        {
            File.WriteAllText(file, Describe(task, environment), Encoding.Unicode);
            string[] account = environment.Credential is { } credential ? ["/ru", UserOf(credential), "/rp", credential.Password] : [];
            _schtasks.Demand(["/create", "/tn", Prefix + task.Name, "/xml", file, .. account, "/f"]);
        }
        catch (RunException refused) when (refused.ErrorId == SchedulerProgram.Refused && task.LoggedOff)
        {
            throw new RunException(refused.ExitCode, refused.ErrorId, $"{refused.Message} A task that runs while its user is logged off (-LoggedOff, -Credential) mostly needs a shell that runs as administrator.", refused.Target, refused);
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <inheritdoc/>
    public void Unregister(TrainingTask task) => _schtasks.Demand(["/delete", "/tn", Prefix + task.Name, "/f"]);

    private TrainingTask? Read(Match listed)
    {
        string name = listed.Groups["name"].Value;
        string text = _schtasks.Demand(["/query", "/tn", name, "/xml"]).Text;
        XElement document;
        try
        {
            document = XDocument.Parse(text.TrimStart('\uFEFF').Trim()).Root!;
        }
        catch (XmlException damaged)
        {
            throw new RunException(ExitCode.Unexpected, "TrainingTaskNotReadable", $"What {_schtasks.Name} says of the task '{name}' is no XML: {damaged.Message}", name, damaged);
        }

        // A task of this name that somebody else has made.
        if (document.Element(s_schema + "RegistrationInfo")?.Element(s_schema + "Documentation")?.Value is not { } json || !json.StartsWith('{'))
            return null;
        return TrainingTask.FromJson(json, $"the task '{name}'") with
        {
            Scheduler = nameof(SchedulerKind.TaskScheduler),
            State = document.Element(s_schema + "Settings")?.Element(s_schema + "Enabled")?.Value == "false" ? TaskState.Disabled : TaskState.Ready,

            // schtasks writes times, and what stands there where there is none, as the user's region does.
            NextRun = DateTime.TryParse(listed.Groups["next"].ValueSpan, CultureInfo.CurrentCulture, out DateTime next) ? next : null,
        };
    }

    private static XDocument Document(TrainingTask task, TaskEnvironment environment)
    {
        CheckSettings(task);
        string user = environment.Credential is { } credential ? UserOf(credential) : $@"{Environment.UserDomainName}\{Environment.UserName}";
        string logon = environment.Credential is not null ? "Password" : task.LoggedOff ? "S4U" : "InteractiveToken";
        string script = Path.Combine(environment.ScriptFolder, "Invoke-TrainingUntilFinished.ps1");
        List<string> arguments =
        [
            "-NoProfile", "-NonInteractive", "-File", script, "-ConfigPath", task.ConfigurationPath, "-RunPath", task.RunPath,
            "-At", task.At.Clock(), "-Hours", task.Hours.ToString(CultureInfo.InvariantCulture), "-LogPath", task.RunPath + ".log",
        ];
        if (task.Settings.Count > 0)
            arguments.AddRange(["-Set", string.Join(',', task.Settings)]);

        return new XDocument(Element(
            "Task", new XAttribute("version", "1.2"),
            Element("RegistrationInfo",
                Element("Author", user),
                Element("Description", $"RobustTrain: trains {task.ConfigurationPath} into {task.RunPath}. Unregister-TrainingTask {task.Name} takes it away."),
                Element("Documentation", task.ToJson())),
            Element("Triggers",
                Element("CalendarTrigger",
                    Element("StartBoundary", string.Create(CultureInfo.InvariantCulture, $"{DateTime.Today + task.At.ToTimeSpan():yyyy-MM-ddTHH:mm:ss}")),
                    Element("Enabled", true),
                    Element("ScheduleByDay", Element("DaysInterval", 1)))),
            Element("Principals",
                Element("Principal", new XAttribute("id", "Author"),
                    Element("UserId", user),
                    Element("LogonType", logon),
                    Element("RunLevel", "LeastPrivilege"))),
            Element("Settings",
                Element("MultipleInstancesPolicy", "IgnoreNew"),
                Element("DisallowStartIfOnBatteries", false),
                Element("StopIfGoingOnBatteries", false),
                Element("AllowHardTerminate", true),
                Element("StartWhenAvailable", true),
                Element("Enabled", true),
                Element("WakeToRun", task.Wake),
                Element("ExecutionTimeLimit", XmlConvert.ToString(task.End is null ? TimeSpan.Zero : TimeSpan.FromHours(task.Hours) + s_grace)),

                // 7, the default, also means slow disks and memory.
                Element("Priority", 5),
                Element("RestartOnFailure",
                    Element("Interval", XmlConvert.ToString(TimeSpan.FromMinutes(1))),
                    Element("Count", 10))),
            Element("Actions", new XAttribute("Context", "Author"),
                Element("Exec",
                    Element("Command", environment.PowerShell),
                    Element("Arguments", string.Join(' ', arguments.Select(Quoted))),
                    Element("WorkingDirectory", task.WorkingFolder)))));
    }

    private static XElement Element(string name, params object[] content) => new(s_schema + name, content);

    private static string UserOf(NetworkCredential credential) => credential.Domain.Length > 0 ? $@"{credential.Domain}\{credential.UserName}" : credential.UserName;

    // "pwsh -File" hands over one text, which the script splits where a comma, a key and an equals sign follow each other.
    private static void CheckSettings(TrainingTask task)
    {
        if (task.Settings.FirstOrDefault(setting => Separator().IsMatch(setting)) is { } setting)
            throw new RunException(ExitCode.Configuration, "TrainingTaskSettingInvalid", $"-Set '{setting}' has a comma before something like a setting, which the task could not tell from the next one; put it into the configuration.", setting);
    }

    // As CommandLineToArgvW takes it apart: backslashes count only before a quotation mark.
    private static string Quoted(string argument) => argument.Length > 0 && argument.AsSpan().IndexOfAny(" \t\"") < 0
        ? argument
        : $"\"{BeforeQuote().Replace(argument, found => found.Groups["slashes"].Value + found.Groups["slashes"].Value + (found.Groups["quote"].Success ? "\\\"" : ""))}\"";

    [GeneratedRegex(@",\s*[A-Za-z_][A-Za-z0-9_.]*=")]
    private static partial Regex Separator();

    [GeneratedRegex(@"(?<slashes>\\*)(?:(?<quote>"")|\z)")]
    private static partial Regex BeforeQuote();

    [GeneratedRegex(@"^""\\(?<name>RobustTrain-[A-Za-z0-9._-]+)"",""(?<next>[^""]*)""", RegexOptions.Multiline)]
    private static partial Regex Listed();
}
