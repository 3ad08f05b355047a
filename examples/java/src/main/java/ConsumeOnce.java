// [snippet once]
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import nationalsite.client.Channels;
import nationalsite.client.Consumer;
import nationalsite.client.Service;
import nationalsite.ordersync.v1.Message;
import nationalsite.ordersync.v1.SubscriptionSpec;

/** Stores events of orders in a database, each message once, until SIGTERM. */
public final class ConsumeOnce {
  /** A database in memory, to try it. Use one that outlives the program. */
  private static final String DATABASE = "jdbc:h2:mem:shop;MODE=PostgreSQL;DB_CLOSE_DELAY=-1";

  public static void main(String[] args) throws SQLException {
    try (var database = DriverManager.getConnection(DATABASE)) {
      execute(database, "CREATE TABLE IF NOT EXISTS handled_messages (message_id TEXT PRIMARY KEY)");
      execute(database, "CREATE TABLE IF NOT EXISTS order_events (cbu_order_id BIGINT, topic TEXT)");
    }
    var address = System.getenv().getOrDefault("NATIONALSITE_ORDER_SYNC", "127.0.0.1:50052");
    var channel = Channels.connect(address, Service.ORDER_SYNC);
    var consumer =
        Consumer.newBuilder(channel, "shop-once", ConsumeOnce::handle)
            .createIfMissing(SubscriptionSpec.getDefaultInstance())
            .build();
    Runtime.getRuntime().addShutdownHook(new Thread(consumer::close));
    consumer.run();
    channel.shutdown();
  }

  /** Stores what a message says, and that it was handled, in one transaction. An exception undoes both. */
  private static void handle(Message message) throws SQLException {
    if (!message.hasOrder()) {
      return; // it is about something else, such as a refund
    }
    try (var database = DriverManager.getConnection(DATABASE)) {
      database.setAutoCommit(false);
      var remember = "INSERT INTO handled_messages VALUES (?) ON CONFLICT DO NOTHING";
      if (execute(database, remember, message.getMessageId()) == 0) {
        System.out.println("handled before: " + message.getMessageId()); // the acknowledgement was lost
        return;
      }
      var orderId = message.getOrder().getCbuOrderId();
      execute(database, "INSERT INTO order_events VALUES (?, ?)", orderId, message.getTopic());
      database.commit();
      System.out.println(message.getTopic() + " " + orderId);
    }
  }

  /** Executes a statement; returns the number of rows that it has changed. */
  private static int execute(Connection database, String sql, Object... parameters) throws SQLException {
    try (var statement = database.prepareStatement(sql)) {
      for (var index = 0; index < parameters.length; index++) {
        statement.setObject(index + 1, parameters[index]);
      }
      return statement.executeUpdate();
    }
  }
}
// [/snippet]
