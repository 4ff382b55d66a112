using System.Management.Automation;
using RobustTrain.Cmdlets.Completion;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Runs.Events;

namespace RobustTrain.Cmdlets.Commands;

/// <summary>Writes a configuration to start from, in which each key says what it means.</summary>
[Cmdlet(VerbsCommon.New, "TrainingConfig", SupportsShouldProcess = true)]
[OutputType(typeof(FileInfo))]
public sealed class NewTrainingConfigCommand : HostCmdlet
{
    /// <summary>The file to write.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [FromObject("FullName")]
    [ValidateNotNullOrEmpty]
    public string Path { get; set; } = "";

    /// <summary>What is to be learned.</summary>
    [Parameter]
    [ConfigurationKey("task")]
    [ArgumentCompleter(typeof(ConfigurationValueCompleter))]
    [ValidateNotNullOrEmpty]
    public string? Task { get; set; }

    /// <summary>The folder of the dataset.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ConfigurationKey("data.path")]
    [FromObject("DataPath", "FullName")]
    [ValidateNotNullOrEmpty]
    public string? DataPath { get; set; }

    /// <summary>Any keys of the configuration.</summary>
    [Parameter]
    [SettingsTransformation]
    [ArgumentCompleter(typeof(SettingCompleter))]
    public string[]? Set { get; set; }

    /// <summary>Overwrites a file that is there.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override async System.Threading.Tasks.Task ProcessRecordAsync(CancellationToken stopping)
    {
        string file = await ResolvePathAsync(Path);
        if (!await ShouldProcessAsync(file, Strings.Format("NewConfigAction")))
            return;

        string[] settings = await OnPipelineThread(() => (string[])[.. BoundSettings().Select(bound => bound.Setting), .. Set ?? []]);
        string[] arguments = ["config", "new", file, .. settings.SelectMany(setting => (string[])["--set", setting]), .. Force ? (string[])["--force"] : []];
        ConfigurationWritten? written = null;
        await CallAsync(arguments, Strings.Format("NewConfigAction"), file, happened => written = happened as ConfigurationWritten ?? written, stopping);
        if (written is not null)
        {
            // As Get-Item gives it, so that its view names the folder.
            await WriteObjectAsync(await OnPipelineThread(() => InvokeProvider.Item.Get([written.Path], force: true, literalPath: true).FirstOrDefault()));
        }
    }
}
