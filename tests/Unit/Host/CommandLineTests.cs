using System.Text.Json;
using RobustTrain.Configuration;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Tests.Host;

public sealed class CommandLineTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private Task<HostRun> Run(params string[] arguments) => HostRun.To(_folder.Path, arguments);

    [Theory]
    [InlineData("'confg' is not known here; did you mean 'config'?", "confg")]
    [InlineData("'--evnts' is not known here; did you mean '--events'?", "sample-data", "out", "--evnts")]
    [InlineData("--change-share is '0.5', but must be a number from 0.01 to 0.2.", "sample-data", "out", "--change-share", "0.5")]
    [InlineData("--change-share is 'x', but must be a number from 0.01 to 0.2.", "sample-data", "out", "--change-share", "x")]
    [InlineData("Required argument missing for command: 'sample-data'.", "sample-data")]
    [InlineData("Required command was not provided.")]
    public async Task A_mistake_in_the_usage_is_one_sentence_and_exit_code_2(string sentence, params string[] arguments)
    {
        HostRun run = await Run(arguments);

        Assert.Equal(2, run.ExitCode);
        Assert.Equal(sentence, run.Sentences[0]);
        Assert.EndsWith("--help' lists what there is.", run.Sentences[1], StringComparison.Ordinal);
        Assert.Empty(run.Output);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Fact]
    public async Task Help_goes_to_standard_output_and_is_no_error()
    {
        HostRun run = await Run("--help");

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("75 stopped with a checkpoint", run.Output, StringComparison.Ordinal);
        Assert.Empty(run.Error);
    }

    [Fact]
    public async Task Config_show_prints_a_configuration_to_start_from()
    {
        HostRun run = await Run("config", "show");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(ConfigurationWriter.WriteDocumented(new TrainingConfig()), run.Output);
        Assert.All(run.Output.Split('\n'), line => Assert.InRange(line.Length, 0, 80));
    }

    [Fact]
    public async Task Config_show_resolves_a_file_and_settings()
    {
        // To a pipe Windows writes in a code page.
        string name = OperatingSystem.IsWindows() ? "upper" : "über";
        File.WriteAllText(_folder.At("a.yaml"), $"name: {name}\ndata: {{path: here}}\n");

        HostRun run = await Run("config", "show", "a.yaml", "--set", "trainer.epochs=3", "--plain");

        Assert.Equal(0, run.ExitCode);
        TrainingConfig config = ConfigurationReader.Parse<TrainingConfig>(run.Output, "printed");
        Assert.Equal((name, _folder.At("here"), 3), (config.Name, config.Data.Path, config.Trainer.Epochs));
    }

    [Fact]
    public async Task Config_schema_prints_JSON()
    {
        HostRun run = await Run("config", "schema");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal("object", JsonDocument.Parse(run.Output).RootElement.GetProperty("type").GetString());
    }

    [Fact]
    public async Task Every_mistake_of_a_configuration_is_a_sentence_with_its_line()
    {
        File.WriteAllText(_folder.At("a.yaml"), "data: {path: here}\ntrainer:\n  epochs: many\nmodell: {}\n");

        HostRun run = await Run("config", "show", "a.yaml", "--set", "seed=-1");

        Assert.Equal(2, run.ExitCode);
        Assert.Equal(
            [
                "a.yaml, line 3: 'trainer.epochs' is 'many', but must be a whole number from 1 to 1000000.",
                "a.yaml, line 4: The configuration has no key 'modell'; did you mean 'model'?",
                "--set seed=-1: 'seed' is -1, but must be a whole number of 0 or more.",
            ],
            run.Sentences);
        Assert.Empty(run.Output);
    }
}
