using System.Text.Json;
using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using RobustTrain.Configuration;
using RobustTrain.Training;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Tests.Configuration;

public sealed class ConfigurationWriterTests
{
    [Property(Arbitrary = [typeof(ArbitraryConfigurations)])]
    public void Writing_then_reading_is_identity(TrainingConfig config)
    {
        TrainingConfig read = ConfigurationReader.Parse<TrainingConfig>(ConfigurationWriter.Write(config), "written");

        foreach (ConfigurationKey key in ConfigurationSchema<TrainingConfig>.Values)
            Assert.Equal(ValueOf(config, key), ValueOf(read, key));
        Assert.Equal(ConfigurationWriter.Digest(config), ConfigurationWriter.Digest(read));
        Assert.Empty(ConfigurationWriter.Differences(config, read));
    }

    [Property(Arbitrary = [typeof(ArbitraryConfigurations)])]
    public void The_documented_text_reads_as_the_same_configuration(TrainingConfig config) =>
        Assert.Equal(config, ConfigurationReader.Parse<TrainingConfig>(ConfigurationWriter.WriteDocumented(config), "written"), ConfigurationTexts.Same);

    [Property(Arbitrary = [typeof(ArbitraryConfigurations)])]
    public void Two_configurations_have_the_same_digest_exactly_where_no_key_differs(TrainingConfig left, TrainingConfig right) =>
        Assert.Equal(ConfigurationWriter.Digest(left) == ConfigurationWriter.Digest(right), ConfigurationWriter.Differences(left, right).Count == 0);

    [Fact]
    public void The_digest_does_not_depend_on_how_the_file_was_written()
    {
        TrainingConfig block = ConfigurationReader.Parse<TrainingConfig>("name: a\ndata:\n  path: /d\n  mean: [0.50, 5e-1, 0.5]\n", "a");
        TrainingConfig flow = ConfigurationReader.Parse<TrainingConfig>("{data: {mean: [0.5, 0.5, 0.5], path: \"/d\"}, name: 'a', seed: 0}", "b");

        Assert.Equal(ConfigurationWriter.Digest(block), ConfigurationWriter.Digest(flow));
        Assert.Matches("^[0-9a-f]{64}$", ConfigurationWriter.Digest(flow));
    }

    [Fact]
    public void Every_key_is_documented_and_written()
    {
        string text = ConfigurationWriter.WriteDocumented(new TrainingConfig());

        foreach (ConfigurationKey key in ConfigurationSchema<TrainingConfig>.Values)
        {
            Assert.Contains($"{key.Name}: ", text, StringComparison.Ordinal);
            Assert.Contains(key.Description.Split(' ')[0], text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Every_default_is_a_value_that_its_key_allows()
    {
        TrainingConfig defaults = new() { Data = new DataConfig { Path = Path.GetFullPath("/data") } };

        Assert.Equal(defaults, ConfigurationReader.Parse<TrainingConfig>(ConfigurationWriter.Write(defaults), "defaults"), ConfigurationTexts.Same);
    }

    [Fact]
    public void Names_and_aliases_are_unique_in_their_section() => AssertUnique(ConfigurationSchema<TrainingConfig>.Root);

    [Fact]
    public void The_schema_has_every_key_with_its_description_default_and_limits()
    {
        JsonElement root = JsonDocument.Parse(ConfigurationJsonSchema.Write<TrainingConfig>()).RootElement;

        foreach (ConfigurationKey key in ConfigurationSchema<TrainingConfig>.Values)
        {
            JsonElement found = root;
            foreach (string name in key.Path.Split('.'))
            {
                Assert.False(found.GetProperty("additionalProperties").GetBoolean());
                found = found.GetProperty("properties").GetProperty(name);
            }

            Assert.Equal(key.Description, found.GetProperty("description").GetString());
            Assert.Equal(!key.IsRequired, found.TryGetProperty("default", out _));
        }

        JsonElement epochs = root.GetProperty("properties").GetProperty("trainer").GetProperty("properties").GetProperty("epochs");
        Assert.Equal((1, 1_000_000, 10), (epochs.GetProperty("minimum").GetInt32(), epochs.GetProperty("maximum").GetInt32(), epochs.GetProperty("default").GetInt32()));
        JsonElement loader = root.GetProperty("properties").GetProperty("loader").GetProperty("properties");
        Assert.True(loader.GetProperty("num_prefetch_queue").GetProperty("deprecated").GetBoolean());
    }

    [Fact]
    public void The_schema_of_a_stage_has_the_keys_that_it_may_change()
    {
        JsonElement stage = JsonDocument.Parse(ConfigurationJsonSchema.Write<TrainingConfig>()).RootElement.GetProperty("properties").GetProperty("stages").GetProperty("additionalProperties").GetProperty("anyOf")[0].GetProperty("properties");
        ConfigurationSettingsAttribute allowed = ConfigurationSchema<TrainingConfig>.Find("stages")!.Settings!;

        Assert.Equal(ConfigurationSchema<TrainingConfig>.Values.Select(key => key.Path).Where(allowed.Allows).Order(StringComparer.Ordinal), Below(stage, "").Order(StringComparer.Ordinal));
        Assert.True(allowed.Allows("data.cache.path") && allowed.Allows("trainer.freeze"));
        Assert.False(allowed.Allows("data.mean") || allowed.Allows("trainer.epochs") || allowed.Allows("model.name"));

        static IEnumerable<string> Below(JsonElement properties, string prefix) => properties.EnumerateObject()
            .Where(key => !key.Value.TryGetProperty("deprecated", out _))
            .SelectMany(key => key.Value.TryGetProperty("properties", out JsonElement inner) ? Below(inner, $"{prefix}{key.Name}.") : [prefix + key.Name]);
    }

    private static void AssertUnique(ConfigurationSection section)
    {
        string[] names = [.. section.Keys.SelectMany(key => key.Aliases.Prepend(key.Name))];
        Assert.Equal(names.Distinct(), names);
        foreach (ConfigurationKey key in section.Keys.Where(key => key.Section is not null))
            AssertUnique(key.Section!);
    }

    private static object? ValueOf(TrainingConfig config, ConfigurationKey key)
    {
        object? at = config;
        ConfigurationSection section = ConfigurationSchema<TrainingConfig>.Root;
        foreach (string name in key.Path.Split('.'))
        {
            ConfigurationKey step = section.Find(name)!;
            at = step.Get(at!);
            section = step.Section!;
        }

        return at;
    }

    /// <summary>Valid configurations whose every value is drawn from what its key allows.</summary>
    private static class ArbitraryConfigurations
    {
        public static Arbitrary<TrainingConfig> Config() => Arb.From(SectionGenerator(ConfigurationSchema<TrainingConfig>.Root).Select(Consistent));

        private static Gen<object> SectionGenerator(ConfigurationSection section) =>
            section.Keys.Aggregate(
                Gen.Fresh(() => Activator.CreateInstance(section.RecordType)!),
                (record, key) => record.SelectMany(instance => KeyGenerator(key).Select(value =>
                {
                    key.Set(instance, value);
                    return instance;
                })));

        private static Gen<object?> KeyGenerator(ConfigurationKey key)
        {
            if (key.Section is { } section)
                return SectionGenerator(section).Select(value => (object?)value);
            Type type = key.ValueType;
            if (key.IsSettings)
                return Gen.Constant<object?>(null);
            if (key.IsMap)
                return MapGenerator();
            Gen<object?> value = key.IsList
                ? ItemGenerator(key, type.GetGenericArguments()[0]).ListOf(key.ItemCount ?? 3).Select(items => ListOf(items, type.GetGenericArguments()[0]))
                : ItemGenerator(key, type);
            return key.IsNullable ? Gen.OneOf(value, Gen.Constant<object?>(null)) : value;
        }

        // Each text once, since a sample counts in one set; no set at all is null.
        private static Gen<object?> MapGenerator() => Gen.Elements<string[]>([], ["szada"], ["szada", "Tiszadob-5", "2nd"]).SelectMany(names => TextGenerator().Select(text => names.Length == 0
            ? null
            : (object?)names.Select((name, index) => (Name: name, Texts: (IReadOnlyList<string>)[$"{text}{index}", $"{index}{text}b"]))
                .ToDictionary(set => set.Name, set => set.Texts)));

        private static object? ListOf(IReadOnlyList<object?> items, Type element)
        {
            Array list = Array.CreateInstance(element, items.Count);
            for (int index = 0; index < list.Length; index++)
                list.SetValue(items[index], index);
            return list;
        }

        private static Gen<object?> ItemGenerator(ConfigurationKey key, Type type) => key.Kind switch
        {
            ConfigurationKind.Boolean => Gen.Elements<object?>(true, false),
            ConfigurationKind.Integer when type == typeof(int) => Gen.Choose((int)key.Minimum!.Value, (int)key.Maximum!.Value).Select(number => (object?)number),
            ConfigurationKind.Integer => ArbMap.Default.GeneratorFor<long>().Select(number => (object?)(number & long.MaxValue)),
            ConfigurationKind.Number => NumberGenerator(key),
            _ when key.AllowedValues is { } allowed => Gen.Elements(allowed.Cast<object?>()),
            _ when key.Pattern is { } pattern => Gen.Elements(((string[])["cpu", "cuda:12", "{}x4", "conv3_4"]).Where(text => Regex.IsMatch(text, $"^(?:{pattern})$")).Cast<object?>()),
            _ when key.IsPath => TextGenerator().Select(text => (object?)Path.GetFullPath("/data/x" + Convert.ToHexString(System.Text.Encoding.UTF8.GetBytes(text)) + "/é ü:#'\"")),
            _ => TextGenerator().Select(text => (object?)text),
        };

        private static Gen<object?> NumberGenerator(ConfigurationKey key)
        {
            double least = key.Minimum ?? 1e-9;
            double most = key.Maximum ?? 1e9;
            return ArbMap.Default.GeneratorFor<NormalFloat>()
                .Select(number => Math.Abs(number.Get) % 1)
                .Select(share => (object?)Math.Clamp(least + ((most - least) * share), least, most));
        }

        private static Gen<string> TextGenerator() => Gen.OneOf(
            ArbMap.Default.GeneratorFor<string>().Select(text => new string([.. (text ?? "").Where(letter => !char.IsSurrogate(letter))])),
            Gen.Elements("null", "~", "true", "no", "1e5", "0x10", "-", ": ", "# a", "- b", " lead", "trail ", "", "a: b", "[x]", "{y", "&a", "*b", "!c", "|", "\ud83d\ude80", "2026-01-01", ".inf", "<<", "\u2028\u0085\ufeff\u00a0\t\r\n\0"));

        // What TrainingConfigRules demands of keys together.
        private static TrainingConfig Consistent(object generated)
        {
            TrainingConfig config = (TrainingConfig)generated;
            int classes = Math.Min(config.Model.Classes, 4);
            bool isGiven = config.Criterion.Weighting == "given";
            // Names and rules are those of one task, and a plug-in is looked for.
            TaskDefinition task = TaskCatalog.Tasks[0];
            string[] scores = [.. task.Scores.Select(score => score.Name)];
            string dataset = Own(config.Data.Dataset, task.Datasets);
            int shards = Math.Min(config.Trainer.Shards, config.Loader.BatchSize);
            bool isSynchronized = config.Trainer.SynchronizedBatchNorm && shards > 1 && config.Model.Path is null && (!task.HasDiscriminator || config.Gan.Loss == GanConfig.None);
            return config with
            {
                Task = task.Name,
                Plugins = [],
                Gan = config.Gan with { Loss = task.HasDiscriminator ? config.Gan.Loss : GanConfig.None },
                Model = config.Model with { Name = Own(config.Model.Name, task.Models), InChannels = 3, Classes = classes, ClassNames = config.Model.ClassNames is null ? null : [.. Enumerable.Range(0, classes).Select(number => $"{config.Name}{number}")] },
                EpochSeeds = config.EpochSeeds is { } seeds ? [.. Enumerable.Repeat(seeds, (int)Math.Min(3, config.Trainer.Epochs)).SelectMany(three => three)] : null,
                Trainer = config.Trainer with { Epochs = Math.Min(3, config.Trainer.Epochs), BestMetric = Own(config.Trainer.BestMetric, scores), Shards = shards, SynchronizedBatchNorm = isSynchronized, MicroBatch = isSynchronized ? null : config.Trainer.MicroBatch },
                Selection = config.Selection with { Metrics = config.Selection.Metrics is { } metrics ? [.. metrics.Select(metric => Own(metric, scores))] : null },
                Data = config.Data with { Dataset = dataset, Cache = new CacheConfig(), CropSize = config.Data.CropSize ?? 112, SampleSize = dataset == "air-change" ? config.Data.SampleSize : null, Lists = config.Data.ValidationSets is null ? config.Data.Lists : config.Data.Lists with { Val = null } },
                Criterion = config.Criterion with
                {
                    Name = Own(config.Criterion.Name, task.Criteria),
                    LabelSmoothing = config.Criterion.Name == "cross-entropy" ? config.Criterion.LabelSmoothing : 0,
                    IgnoreIndex = Math.Max(config.Criterion.IgnoreIndex, classes),
                    ClassWeights = isGiven ? [.. Enumerable.Range(1, classes).Select(weight => weight / 3.0)] : null,
                },
            };

            static string Own(string name, IReadOnlyCollection<string> known) => known.Contains(name) ? name : known.First();
        }
    }

    // The promise behind each of them is kept by a test of the trainer; a key that joins them joins that test.
    [Fact]
    public void These_keys_may_change_when_a_run_goes_on() => Assert.Equal(
        [
            "name", "data.cache.memory_share", "data.cache.path", "loader.num_workers", "loader.worker_kind", "loader.prefetch_queue_length", "loader.persistent_workers", "loader.timeout_seconds",
            "loader.max_errors", "loader.health_check_interval_seconds", "loader.on_bad_sample", "loader.max_skipped", "trainer.evaluation_workers", "trainer.validation_pictures", "trainer.log_interval_seconds", "trainer.drift_check_steps", "trainer.detect_anomaly",
            "trainer.step_timeout_seconds", "trainer.rank_timeout_seconds", "checkpoint.keep", "checkpoint.keep_every", "checkpoint.every_steps", "checkpoint.every_seconds", "numerics.on_failure", "numerics.max_failures",
        ],
        ConfigurationSchema<TrainingConfig>.Values.Where(key => key.IsFreeOnResume).Select(key => key.Path));
}
